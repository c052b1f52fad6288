//! Redis (or valkey, which speaks the same), asked over a unix socket. A get is one write and, as a rule, one read;
//! nothing is asked ahead. Only filling it is pipelined.

use crate::peer::{Peer, Population, Session, Setup};
use crate::peers::server::Server;
use crate::roster::redis as settings;
use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

/// Sets that are sent at once when it is filled.
const GULP: u32 = 256;

pub(crate) struct Redis(Server);

pub(crate) struct Handle {
    answers: BufReader<UnixStream>,
    request: Vec<u8>,
    line: Vec<u8>,
}

impl Peer for Redis {
    type Session<'a> = Handle;

    fn open(setup: &Setup) -> Result<Self> {
        let socket = setup.tmpfs.join("redis.sock");
        let program = settings::program().context("neither redis-server nor valkey-server is installed")?;
        Ok(Redis(Server::start(&mut settings::command(program, setup, &socket), &socket)?))
    }

    fn session(&self) -> Result<Handle> {
        Ok(Handle { answers: BufReader::new(self.0.connect()?), request: Vec::new(), line: Vec::new() })
    }

    fn load(&self, population: &mut Population<'_>) -> Result<()> {
        let (mut handle, mut open) = (self.session()?, 0);
        population.each(|key, value| {
            handle.put(&[b"SET", key, value])?;
            open += 1;
            if open == GULP { handle.collect(&mut open) } else { Ok(()) }
        })?;
        handle.collect(&mut open)
    }
}

impl Handle {
    fn put(&mut self, words: &[&[u8]]) -> Result<()> {
        write!(self.request, "*{}\r\n", words.len())?;
        for word in words {
            write!(self.request, "${}\r\n", word.len())?;
            self.request.extend_from_slice(word);
            self.request.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        self.answers.get_mut().write_all(&self.request)?;
        self.request.clear();
        Ok(())
    }

    /// Sends what there is, and takes the answers to so many sets.
    fn collect(&mut self, open: &mut u32) -> Result<()> {
        self.send()?;
        (0..std::mem::take(open)).try_for_each(|_| self.accepted())
    }

    fn accepted(&mut self) -> Result<()> {
        self.read_line()?;
        ensure!(self.line == b"+OK", "redis answered {:?}", String::from_utf8_lossy(&self.line));
        Ok(())
    }

    fn read_line(&mut self) -> Result<()> {
        self.line.clear();
        self.answers.read_until(b'\n', &mut self.line)?;
        ensure!(self.line.ends_with(b"\r\n"), "redis closed the connection");
        self.line.truncate(self.line.len() - 2);
        Ok(())
    }
}

impl Session for Handle {
    fn get(&mut self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        self.put(&[b"GET", key])?;
        self.send()?;
        self.read_line()?;
        match self.line.as_slice() {
            b"$-1" => Ok(false),
            [b'$', len @ ..] => {
                let len: usize = std::str::from_utf8(len)?.parse()?;
                out.resize(len + 2, 0);
                self.answers.read_exact(out)?;
                out.truncate(len);
                Ok(true)
            }
            other => bail!("redis answered {:?}", String::from_utf8_lossy(other)),
        }
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.put(&[b"SET", key, value])?;
        self.send()?;
        self.accepted()
    }
}
