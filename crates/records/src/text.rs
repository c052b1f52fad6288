//! Records as text, a column for each number: what programs need that know a type only by its schema.

use crate::error::{Error, Result};
use crate::schema::{Scalar, Schema};
use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A number of a record, or a text. An array of `u8` is one column of text, filled up with zeroes. Another array is a
/// column for each of its numbers, `bid[0]` and so on. A byte of a text that is not UTF-8 is written `\xff`. A
/// backslash before an `x` or a backslash is written twice. So all bytes come back.
///
/// ```
/// use samovar_records::Schema;
///
/// let schema: Schema = "time:i64,bid:f64[2],name:u8[8]".parse()?;
/// let columns = schema.columns();
/// let mut record = vec![0; schema.record_size()];
/// for (column, text) in columns.iter().zip(["-7", "1.5", "2", "600600"]) {
///     column.parse(text, &mut record)?;
/// }
/// let row: Vec<String> = columns.iter().map(|column| format!("{}={}", column.name(), column.text(&record))).collect();
/// assert_eq!(row.join(" "), "time=-7 bid[0]=1.5 bid[1]=2 name=600600");
///
/// let error = columns[0].parse("1.5", &mut record).unwrap_err();
/// assert!(error.to_string().contains("time"), "{error}");
/// # Ok::<(), samovar_records::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    name: String,
    offset: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number(Scalar),
    /// At most so many bytes.
    Text(usize),
}

/// Calls `$function::<N>` with the type that a scalar stands for.
macro_rules! with_type {
    ($scalar:expr, $function:ident($($argument:expr),*)) => {
        match $scalar {
            Scalar::I8 => $function::<i8>($($argument),*),
            Scalar::I16 => $function::<i16>($($argument),*),
            Scalar::I32 => $function::<i32>($($argument),*),
            Scalar::I64 => $function::<i64>($($argument),*),
            Scalar::U8 => $function::<u8>($($argument),*),
            Scalar::U16 => $function::<u16>($($argument),*),
            Scalar::U32 => $function::<u32>($($argument),*),
            Scalar::U64 => $function::<u64>($($argument),*),
            Scalar::F32 => $function::<f32>($($argument),*),
            Scalar::F64 => $function::<f64>($($argument),*),
        }
    };
}

impl Schema {
    /// The columns of a table of such records.
    pub fn columns(&self) -> Vec<Column> {
        let mut columns = Vec::new();
        for field in self.fields() {
            let (name, scalar) = (field.name(), field.scalar());
            let number = |name: String, offset: usize| Column { name, offset, kind: Kind::Number(scalar) };
            match field.count() {
                None => columns.push(number(name.to_owned(), field.offset())),
                Some(len) if scalar == Scalar::U8 => {
                    let kind = Kind::Text(len);
                    columns.push(Column { name: name.to_owned(), offset: field.offset(), kind });
                }
                Some(count) => {
                    columns.extend((0..count).map(|index| {
                        number(format!("{name}[{index}]"), field.offset() + index * scalar.size())
                    }))
                }
            }
        }
        columns
    }
}

impl Column {
    /// Its name: that of the field, and for an array which of its numbers.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the text and puts what it says into the record.
    ///
    /// # Errors
    /// `InvalidArgument`, with the column's name, if it is no such number, or a text too long, or the record is too
    /// short.
    pub fn parse(&self, text: &str, record: &mut [u8]) -> Result<()> {
        let size = self.size();
        let out = record.get_mut(self.offset..).and_then(|rest| rest.get_mut(..size));
        let Some(out) = out else { return Err(self.short()) };
        match self.kind {
            Kind::Number(scalar) => {
                let done = with_type!(scalar, parse_number(text.trim(), out));
                done.ok_or_else(|| {
                    Error::invalid(format!(
                        "{}: {text:?} is no {}",
                        self.name,
                        format!("{scalar:?}").to_lowercase()
                    ))
                })
            }
            Kind::Text(_) => {
                let bytes = unescaped(text);
                if bytes.len() > size {
                    return Err(Error::invalid(format!(
                        "{}: {text:?} has {} bytes, there is room for {size}",
                        self.name,
                        bytes.len()
                    )));
                }
                out.fill(0);
                out[..bytes.len()].copy_from_slice(&bytes);
                Ok(())
            }
        }
    }

    /// What the record says, as text from which [`parse`](Self::parse) makes the same again. Empty if the record is too
    /// short.
    pub fn text(&self, record: &[u8]) -> String {
        let bytes = record.get(self.offset..).and_then(|rest| rest.get(..self.size())).unwrap_or_default();
        match self.kind {
            Kind::Number(scalar) => with_type!(scalar, number_text(bytes)),
            Kind::Text(_) => {
                let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                escaped(&bytes[..len])
            }
        }
    }

    fn size(&self) -> usize {
        match self.kind {
            Kind::Number(scalar) => scalar.size(),
            Kind::Text(len) => len,
        }
    }

    fn short(&self) -> Error {
        Error::invalid(format!("the record ends before its field {}; give a whole one", self.name))
    }
}

/// Bytes as text; those that are none as `\xff`.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid().chars().peekable();
        while let Some(c) = rest.next() {
            text.push(c);
            if c == '\\' && matches!(rest.peek(), Some('x' | '\\') | None) {
                text.push('\\');
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// The bytes of a text that may hold escapes.
fn unescaped(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('\\') {
        return Cow::Borrowed(text.as_bytes());
    }
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, behind)) = rest.split_first() {
        let hex = behind.strip_prefix(b"x").and_then(|hex| hex.first_chunk::<2>());
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        let (byte, taken) = match (first, byte, behind.first()) {
            (b'\\', Some(byte), _) => (byte, 4),
            (b'\\', None, Some(b'\\')) => (b'\\', 2),
            _ => (first, 1),
        };
        bytes.push(byte);
        rest = &rest[taken..];
    }
    Cow::Owned(bytes)
}

fn parse_number<N: FromStr + IntoBytes + Immutable>(text: &str, out: &mut [u8]) -> Option<()> {
    text.parse::<N>().ok()?.write_to(out).ok()
}

fn number_text<N: FromBytes + Display>(bytes: &[u8]) -> String {
    N::read_from_bytes(bytes).map_or_else(|_| String::new(), |number| number.to_string())
}

#[cfg(test)]
mod tests;
