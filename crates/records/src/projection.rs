//! Reading records of one type from files of another. Fields are found by their names, so a file of an older or a newer
//! schema is opened as it is.

use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Field, Schema};

/// How records of a type are read from files whose fields are others; see [`RecordFile::open_as`](crate::RecordFile::open_as).
///
/// A field of the file that the type has not is left out. A field of the type that the file has not is an error, unless it was
/// added since: then it is zero.
///
/// ```
/// use samovar_records::{Projection, RecordFile, schema};
/// use zerocopy::{FromBytes, Immutable, IntoBytes};
///
/// #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
/// #[repr(C)]
/// struct Bar { time: i64, open: f64, px: f64 }
/// schema!(Bar { time, open, px });
///
/// /// Without `open`, with `px` named as it is now, and with a volume.
/// #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
/// #[repr(C)]
/// struct NewBar { time: i64, close: f64, volume: f64 }
/// schema!(NewBar { time, close, volume });
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("bars");
/// RecordFile::<Bar>::create(&path)?.push(&Bar { time: 1, open: 7.0, px: 7.5 })?;
/// let projection = Projection::new().renamed("px", "close").added("volume");
/// let bars = RecordFile::<NewBar>::open_as(&path, &projection)?;
/// assert_eq!(bars.last()?, Some(NewBar { time: 1, close: 7.5, volume: 0.0 }));
/// # Ok::<(), samovar_records::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Projection {
    /// Names in files, and what they are called in the type.
    renamed: Vec<(String, String)>,
    added: Vec<String>,
}

impl Projection {
    /// Fields that have the same name and the same type, and no others.
    pub fn new() -> Projection {
        Projection::default()
    }

    /// A field that is called `from` in files is called `to` in the type. Files that have a field `to` are read too.
    pub fn renamed(mut self, from: impl Into<String>, to: impl Into<String>) -> Projection {
        self.renamed.push((from.into(), to.into()));
        self
    }

    /// A field that files may not have. Then it is zero.
    pub fn added(mut self, name: impl Into<String>) -> Projection {
        self.added.push(name.into());
        self
    }

    /// How records of the type `asked` are made of those of a file.
    pub(crate) fn of(&self, found: &Schema, asked: Schema) -> Result<Projected> {
        let mut copies: Vec<FieldCopy> = Vec::new();
        let mut are_all_there = true;
        for field in asked.fields() {
            let Some(from) = self.find(found, field)? else {
                are_all_there = false;
                continue;
            };
            let next = FieldCopy { from: from.offset(), to: field.offset(), len: field.size() };
            match copies.last_mut().filter(|last| last.is_followed_by(next)) {
                Some(last) => last.len += next.len,
                None => copies.push(next),
            }
        }
        Ok(Projected { schema: asked, copies: copies.into(), are_all_there })
    }

    /// The field of the file that a field of the type is read from. None if it was added since.
    fn find<'s>(&self, found: &'s Schema, field: &Field) -> Result<Option<&'s Field>> {
        let named = |name: &str| found.fields().iter().find(|one| one.name() == name);
        let old =
            || self.renamed.iter().filter(|(_, to)| to == field.name()).find_map(|(from, _)| named(from));
        match named(field.name()).or_else(old) {
            Some(same) if (same.scalar(), same.count()) == (field.scalar(), field.count()) => Ok(Some(same)),
            Some(other) => Err(Error::new(
                ErrorKind::WrongType,
                format!("the file's field is {other}, the type's is {field}; read it as it is in the file"),
            )),
            None if self.added.iter().any(|name| name == field.name()) => Ok(None),
            None => Err(Error::new(
                ErrorKind::WrongType,
                format!(
                    "the file has no field {field} ({found}); say that it was added, or what it was called"
                ),
            )),
        }
    }
}

/// How records of a type are made of those of one file.
#[derive(Debug)]
pub(crate) struct Projected {
    pub(crate) schema: Schema,
    copies: Box<[FieldCopy]>,
    are_all_there: bool,
}

#[derive(Clone, Copy, Debug)]
struct FieldCopy {
    from: usize,
    to: usize,
    len: usize,
}

impl FieldCopy {
    fn is_followed_by(self, next: FieldCopy) -> bool {
        self.from + self.len == next.from && self.to + self.len == next.to
    }
}

impl Projected {
    /// Makes a record of one of the file.
    pub(crate) fn project(&self, record: &[u8], out: &mut [u8]) {
        if !self.are_all_there {
            out.fill(0);
        }
        for FieldCopy { from, to, len } in self.copies.iter().copied() {
            out[to..to + len].copy_from_slice(&record[from..from + len]);
        }
    }
}
