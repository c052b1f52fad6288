//! What a record is made of: its fields in order, without gaps. Known at compile time for a [`Record`](crate::Record)
//! type, or read from a string like `time:i64,open:f64,bid:f64[5]`.
//!
//! Invariant: the fields cover the record from its first byte to its last, each at a multiple of its alignment.

use crate::error::{Error, Result};
use crate::layout::{self, RECORD_MAX};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A number, as it lies in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // they are named as they are in Rust
pub enum Scalar {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
}

const SCALARS: [(Scalar, &str, usize); 10] = [
    (Scalar::I8, "i8", 1),
    (Scalar::I16, "i16", 2),
    (Scalar::I32, "i32", 4),
    (Scalar::I64, "i64", 8),
    (Scalar::U8, "u8", 1),
    (Scalar::U16, "u16", 2),
    (Scalar::U32, "u32", 4),
    (Scalar::U64, "u64", 8),
    (Scalar::F32, "f32", 4),
    (Scalar::F64, "f64", 8),
];

impl Scalar {
    /// Bytes, and alignment, that it takes.
    pub const fn size(self) -> usize {
        SCALARS[self as usize].2
    }

    fn name(self) -> &'static str {
        SCALARS[self as usize].1
    }

    fn named(name: &str) -> Option<Self> {
        SCALARS.iter().find(|scalar| scalar.1 == name).map(|scalar| scalar.0)
    }
}

/// One field of a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    pub(crate) name: Cow<'static, str>,
    pub(crate) scalar: Scalar,
    /// `None` for one number, else the length of an array of them.
    pub(crate) count: Option<usize>,
    pub(crate) offset: usize,
}

impl Field {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number, or what it is an array of.
    pub fn scalar(&self) -> Scalar {
        self.scalar
    }

    /// How many, if it is an array.
    pub fn count(&self) -> Option<usize> {
        self.count
    }

    /// Where it begins in the record.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes that it takes.
    pub const fn size(&self) -> usize {
        match self.count {
            None => self.scalar.size(),
            Some(count) => self.scalar.size() * count,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.scalar.name())?;
        match self.count {
            None => Ok(()),
            Some(count) => write!(f, "[{count}]"),
        }
    }
}

/// The fields of a record, its size and its alignment.
///
/// ```
/// use samovar_records::Schema;
///
/// let schema: Schema = "time:i64,close:f64,bid:f64[5]".parse()?;
/// assert_eq!(schema.record_size(), 56);
/// assert_eq!(schema.fields()[2].name(), "bid");
/// assert_eq!(schema.to_string(), "time:i64,close:f64,bid:f64[5]");
///
/// let gap = "flag:u8,time:i64".parse::<Schema>().unwrap_err();
/// assert!(gap.to_string().contains("time"), "{gap}");
/// # Ok::<(), samovar_records::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    fields: Vec<Field>,
    record_size: usize,
    alignment: usize,
}

impl Schema {
    /// From fields whose offsets are known already.
    pub(crate) fn new(fields: Vec<Field>, alignment: usize) -> Result<Self> {
        let mut end = 0usize;
        for (index, field) in fields.iter().enumerate() {
            check_name(field, &fields[..index])?;
            if field.offset != end || !end.is_multiple_of(field.scalar.size().min(alignment.max(1))) {
                return Err(gap(&field.name));
            }
            end = field
                .count
                .unwrap_or(1)
                .checked_mul(field.scalar.size())
                .and_then(|len| end.checked_add(len))
                .filter(|end| *end as u64 <= RECORD_MAX)
                .ok_or_else(|| Error::invalid(format!("records are at most {RECORD_MAX} bytes")))?;
        }
        if end == 0 {
            return Err(Error::invalid("a record needs at least one field of at least one byte"));
        }
        let alignment_is_one = alignment.is_power_of_two() && alignment <= 4096;
        if !alignment_is_one || !end.is_multiple_of(alignment) {
            return Err(gap("the end"));
        }
        let schema = Schema { fields, record_size: end, alignment };
        if schema.to_string().len() > layout::header::SCHEMA_MAX {
            return Err(Error::invalid(format!(
                "a schema is at most {} characters; use shorter names",
                layout::header::SCHEMA_MAX
            )));
        }
        Ok(schema)
    }

    /// The fields, in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Bytes a record.
    pub fn record_size(&self) -> usize {
        self.record_size
    }

    /// What its address is a multiple of.
    pub fn alignment(&self) -> usize {
        self.alignment
    }

    /// What two types that can read each other's files have in common.
    ///
    /// ```
    /// use samovar_records::Schema;
    ///
    /// let one: Schema = "time:i64,close:f64".parse()?;
    /// let other: Schema = "time:i64,open:f64".parse()?;
    /// assert_ne!(one.fingerprint(), other.fingerprint());
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    pub fn fingerprint(&self) -> u64 {
        let text = format!("{self};size={};align={}", self.record_size, self.alignment);
        layout::checksum(text.as_bytes())
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let natural = self.fields.iter().map(|field| field.scalar.size()).max();
        if natural.is_some_and(|natural| self.alignment < natural) {
            write!(f, "packed({}) ", self.alignment)?;
        }
        for (index, field) in self.fields.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{field}")?;
        }
        Ok(())
    }
}

impl FromStr for Schema {
    type Err = Error;

    /// Fields with commas between them, each at a multiple of its size; or after `packed(1) ` or the like, at multiples of
    /// that, as in a type of `repr(C, packed)`.
    fn from_str(text: &str) -> Result<Self> {
        let packed = text.trim_start().strip_prefix("packed(").and_then(|rest| rest.split_once(')'));
        let (packing, text) = match packed {
            Some((packing, rest)) => (Some(packing.parse().map_err(|_| bad_packing(packing))?), rest),
            None => (None, text),
        };
        let mut fields = Vec::new();
        let (mut offset, mut alignment) = (0usize, 1usize);
        for part in text.split(',') {
            let field = parse_field(part.trim(), offset)?;
            offset = field
                .count
                .unwrap_or(1)
                .checked_mul(field.scalar.size())
                .and_then(|len| offset.checked_add(len))
                .ok_or_else(|| Error::invalid(format!("records are at most {RECORD_MAX} bytes")))?;
            alignment = alignment.max(field.scalar.size());
            fields.push(field);
        }
        Schema::new(fields, packing.unwrap_or(alignment))
    }
}

fn bad_packing(text: &str) -> Error {
    Error::invalid(format!("packed({text}) is no alignment; write packed(1), packed(2) or packed(4)"))
}

fn parse_field(part: &str, offset: usize) -> Result<Field> {
    let bad = || {
        Error::invalid(format!(
            "{part:?} is no field of a schema; write NAME:TYPE or NAME:TYPE[COUNT], with a type such as i64 or f64"
        ))
    };
    let (name, kind) = part.split_once(':').ok_or_else(bad)?;
    let (scalar, count) = match kind.strip_suffix(']').and_then(|kind| kind.split_once('[')) {
        Some((scalar, count)) => (scalar, Some(count.parse().map_err(|_| bad())?)),
        None => (kind, None),
    };
    let scalar = Scalar::named(scalar).ok_or_else(bad)?;
    Ok(Field { name: Cow::Owned(name.to_owned()), scalar, count, offset })
}

fn check_name(field: &Field, before: &[Field]) -> Result<()> {
    let name = field.name();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !plain {
        return Err(Error::invalid(format!("{name:?} is no field name; use letters, digits and _")));
    }
    if before.iter().any(|other| other.name == field.name) {
        return Err(Error::invalid(format!("two fields are named {name}; rename one")));
    }
    Ok(())
}

fn gap(name: &str) -> Error {
    Error::invalid(format!(
        "there is a gap before {name}: records have no padding; reorder the fields from large to small, or add one"
    ))
}
