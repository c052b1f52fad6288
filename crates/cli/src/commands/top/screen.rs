//! The terminal, taken for a while and given back as it was: at the end of [`Screen`] and on a panic. So it is on a
//! signal that asks the program to end, which arrives as [`Key::Quit`].

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use crossterm::{cursor, execute, queue};
use std::io::{self, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often to ask whether a signal has come.
const ALERT: Duration = Duration::from_millis(100);

/// A signal has asked the program to end.
static STOP: AtomicBool = AtomicBool::new(false);
/// The terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// What a key, or the terminal itself, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Quit,
    /// By so many lines down, or up.
    Scroll(isize),
    Home,
    Redraw,
}

/// The whole terminal, until it is dropped.
pub(crate) struct Screen(());

impl Screen {
    /// Takes the terminal.
    pub(crate) fn enter() -> io::Result<Screen> {
        prepare()?;
        TAKEN.store(true, Ordering::Relaxed);
        terminal::enable_raw_mode()?;
        let screen = Screen(());
        execute!(
            io::stdout(),
            terminal::EnterAlternateScreen,
            terminal::DisableLineWrap,
            cursor::Hide,
            Clear(ClearType::All)
        )?;
        Ok(screen)
    }

    /// Shows lines from the `first` one on, or as near to it as there are lines; which one that was.
    pub(crate) fn draw(&mut self, lines: &[String], first: usize) -> io::Result<usize> {
        let (columns, rows) = terminal::size()?;
        let first = first.min(lines.len().saturating_sub(usize::from(rows)));
        let mut out = io::stdout().lock();
        queue!(out, BeginSynchronizedUpdate)?;
        for (row, line) in
            (0..rows).zip(lines.iter().skip(first).map(String::as_str).chain(std::iter::repeat("")))
        {
            let shown: String = line.chars().take(usize::from(columns)).collect();
            let shown_len = shown.chars().count();
            let weight = if row == 0 && first == 0 { Attribute::Bold } else { Attribute::Reset };
            queue!(
                out,
                cursor::MoveTo(0, row),
                SetAttribute(weight),
                Print(shown),
                SetAttribute(Attribute::Reset)
            )?;
            if shown_len < usize::from(columns) {
                queue!(out, Clear(ClearType::UntilNewLine))?;
            }
        }
        queue!(out, EndSynchronizedUpdate)?;
        out.flush()?;
        Ok(first)
    }

    /// The next key that means something, if one comes in time.
    pub(crate) fn key_until(&mut self, end: Instant) -> io::Result<Option<Key>> {
        loop {
            if STOP.load(Ordering::Relaxed) {
                return Ok(Some(Key::Quit));
            }
            let left = end.saturating_duration_since(Instant::now());
            if event::poll(left.min(ALERT))? {
                if let Some(key) = meaning(&event::read()?) {
                    return Ok(Some(key));
                }
            } else if left.is_zero() {
                return Ok(None);
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, once: doing it again would put the cursor back to where it was, over what was said since. A
/// terminal that is gone wants nothing back.
fn restore() {
    if !TAKEN.swap(false, Ordering::Relaxed) {
        return;
    }
    let out = &mut io::stdout();
    drop(execute!(out, terminal::EnableLineWrap, cursor::Show, terminal::LeaveAlternateScreen));
    drop(terminal::disable_raw_mode());
}

/// Has signals and panics leave the terminal in order; once for the process.
fn prepare() -> io::Result<()> {
    static ONCE: Once = Once::new();
    let mut prepared = Ok(());
    ONCE.call_once(|| {
        prepared = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed)).map_err(io::Error::other);
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // First, so that the report is not lost with the screen that it was printed on.
            restore();
            report(panic);
        }));
    });
    prepared
}

fn meaning(event: &Event) -> Option<Key> {
    let key = match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => key,
        Event::Resize(..) => return Some(Key::Redraw),
        _ => return None,
    };
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Key::Quit),
        KeyCode::Char('q') | KeyCode::Esc => Some(Key::Quit),
        KeyCode::Up | KeyCode::Char('k') => Some(Key::Scroll(-1)),
        KeyCode::Down | KeyCode::Char('j') => Some(Key::Scroll(1)),
        KeyCode::PageUp => Some(Key::Scroll(-10)),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(Key::Scroll(10)),
        KeyCode::Home => Some(Key::Home),
        _ => None,
    }
}

#[cfg(all(test, unix))]
mod tests;
