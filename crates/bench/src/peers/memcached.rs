//! memcached, asked over a unix socket in its binary protocol: the one that takes keys of any bytes as they are. A get is
//! one write and, as a rule, one read; nothing is asked ahead. Only filling it is pipelined.

use crate::peer::{Peer, Population, Session, Setup};
use crate::peers::server::Server;
use crate::roster::memcached as settings;
use anyhow::{Result, ensure};
use std::io::{BufReader, Read, Write};
use std::os::unix::net::UnixStream;

const GET: u8 = 0x00;
const SET: u8 = 0x01;
const NOTHING: u8 = 0x0a;
const SET_QUIETLY: u8 = 0x11;
const HEAD: usize = 24;
/// Flags and lifetime of a set.
const SET_EXTRAS: [u8; 8] = [0; 8];
/// Flags of what a get finds.
const GET_EXTRAS: usize = 4;
const OK: u16 = 0;
const NOT_FOUND: u16 = 1;
/// Bytes of sets that are sent at once when it is filled.
const GULP: usize = 1 << 16;

pub(crate) struct Memcached(Server);

pub(crate) struct Handle {
    answers: BufReader<UnixStream>,
    request: Vec<u8>,
}

impl Peer for Memcached {
    type Session<'a> = Handle;

    fn open(setup: &Setup) -> Result<Self> {
        let socket = setup.tmpfs.join("memcached.sock");
        Ok(Memcached(Server::start(&mut settings::command(setup, &socket)?, &socket)?))
    }

    fn session(&self) -> Result<Handle> {
        Ok(Handle { answers: BufReader::new(self.0.connect()?), request: Vec::new() })
    }

    fn load(&self, population: &mut Population<'_>) -> Result<()> {
        let mut handle = self.session()?;
        population.each(|key, value| {
            handle.put(SET_QUIETLY, &SET_EXTRAS, key, value)?;
            if handle.request.len() > GULP { handle.send() } else { Ok(()) }
        })?;
        handle.put(NOTHING, &[], &[], &[])?;
        handle.send()?;
        // A quiet set that fails is answered before this one is.
        let (status, _) = handle.answer(&mut Vec::new())?;
        ensure!(status == OK, "memcached refused a set with status {status}");
        Ok(())
    }
}

impl Handle {
    fn put(&mut self, operation: u8, extras: &[u8], key: &[u8], value: &[u8]) -> Result<()> {
        let (key_len, extras_len) = (u16::try_from(key.len())?, u8::try_from(extras.len())?);
        let body = u32::try_from(extras.len() + key.len() + value.len())?;
        let mut head = [0; HEAD];
        head[..2].copy_from_slice(&[0x80, operation]);
        head[2..4].copy_from_slice(&key_len.to_be_bytes());
        head[4] = extras_len;
        head[8..12].copy_from_slice(&body.to_be_bytes());
        for part in [&head, extras, key, value] {
            self.request.extend_from_slice(part);
        }
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        self.answers.get_mut().write_all(&self.request)?;
        self.request.clear();
        Ok(())
    }

    /// The status of an answer, and how many bytes of extras its body, now in `out`, begins with.
    fn answer(&mut self, out: &mut Vec<u8>) -> Result<(u16, usize)> {
        let mut head = [0; HEAD];
        self.answers.read_exact(&mut head)?;
        let [_, _, _, _, extras, _, s0, s1, b0, b1, b2, b3, ..] = head;
        out.resize(u32::from_be_bytes([b0, b1, b2, b3]) as usize, 0);
        self.answers.read_exact(out)?;
        Ok((u16::from_be_bytes([s0, s1]), usize::from(extras)))
    }
}

impl Session for Handle {
    fn get(&mut self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        self.put(GET, &[], key, &[])?;
        self.send()?;
        let (status, extras) = self.answer(out)?;
        if status == NOT_FOUND {
            out.clear();
            return Ok(false);
        }
        ensure!(status == OK && extras == GET_EXTRAS, "memcached answered a get with status {status}");
        out.drain(..extras);
        Ok(true)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.put(SET, &SET_EXTRAS, key, value)?;
        self.send()?;
        let (status, _) = self.answer(&mut Vec::new())?;
        ensure!(status == OK, "memcached answered a set with status {status}");
        Ok(())
    }
}
