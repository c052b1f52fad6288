//! Which types can be records, and what says so: zerocopy's derives for the bytes, [`schema!`](crate::schema) for the
//! names.

use crate::error::Result;
use crate::schema::{Field, Scalar, Schema};
use std::borrow::Cow;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A plain type whose fields have names.
///
/// Any bytes are a value of it and it has no padding: zerocopy's derives prove both. [`schema!`](crate::schema)
/// implements this trait and proves that the fields named are the fields there.
///
/// ```
/// use samovar_records::{Record, schema};
/// use zerocopy::{FromBytes, Immutable, IntoBytes};
///
/// #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
/// #[repr(C)]
/// struct Tick {
///     time: i64,
///     price: f64,
///     flags: [u8; 8],
/// }
/// schema!(Tick { time, price, flags });
///
/// assert_eq!(Tick::schema()?.to_string(), "time:i64,price:f64,flags:u8[8]");
/// # Ok::<(), samovar_records::Error>(())
/// ```
pub trait Record: FromBytes + IntoBytes + Immutable + Copy + Send + Sync + 'static {
    /// Its fields, in order, without gaps.
    const FIELDS: &'static [Field];

    /// Its fields, size and alignment.
    ///
    /// # Errors
    /// `InvalidArgument` if the fields do not make up the type, as `schema!` would not let happen.
    fn schema() -> Result<Schema> {
        let schema = Schema::new(Self::FIELDS.to_vec(), align_of::<Self>())?;
        if schema.record_size() == size_of::<Self>() {
            return Ok(schema);
        }
        Err(crate::Error::invalid(format!(
            "the fields {schema} have {} bytes and their type {}; name all fields",
            schema.record_size(),
            size_of::<Self>()
        )))
    }
}

/// A number or an array of numbers: what a field of a [`Record`] may be.
pub trait Plain: sealed::Plain {
    #[doc(hidden)]
    const SCALAR: Scalar;
    #[doc(hidden)]
    const COUNT: Option<usize>;
}

mod sealed {
    pub trait Plain {}
}

macro_rules! plain {
    ($($type:ty => $scalar:ident),+) => {
        $(
            impl sealed::Plain for $type {}
            impl Plain for $type {
                const SCALAR: Scalar = Scalar::$scalar;
                const COUNT: Option<usize> = None;
            }
            impl<const N: usize> sealed::Plain for [$type; N] {}
            impl<const N: usize> Plain for [$type; N] {
                const SCALAR: Scalar = Scalar::$scalar;
                const COUNT: Option<usize> = Some(N);
            }
        )+
    };
}

plain!(i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32, u64 => U64, f32 => F32, f64 => F64);

/// The field that this accessor reads; its type follows from the accessor. Used by [`schema!`](crate::schema).
#[doc(hidden)]
pub const fn field<R, F: Plain>(name: &'static str, offset: usize, _accessor: fn(&R) -> &F) -> Field {
    Field { name: Cow::Borrowed(name), scalar: F::SCALAR, count: F::COUNT, offset }
}

/// Whether these fields, in this order, are the type from its first byte to its last. Used by
/// [`schema!`](crate::schema).
#[doc(hidden)]
pub const fn covers(fields: &[Field], size: usize) -> bool {
    let (mut end, mut index) = (0, 0);
    while index < fields.len() {
        if fields[index].offset != end {
            return false;
        }
        end += fields[index].size();
        index += 1;
    }
    end == size
}

/// Makes a type a [`Record`] by naming its fields, in order. A field forgotten, misnamed or out of order does not
/// compile; neither does one that is not a number or an array of numbers.
///
/// ```
/// # use zerocopy::{FromBytes, Immutable, IntoBytes};
/// #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
/// #[repr(C)]
/// struct Bar { time: i64, close: f64 }
/// samovar_records::schema!(Bar { time, close });
/// ```
///
/// ```compile_fail
/// # use zerocopy::{FromBytes, Immutable, IntoBytes};
/// # #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
/// # #[repr(C)]
/// # struct Bar { time: i64, close: f64 }
/// samovar_records::schema!(Bar { time }); // `close` is forgotten
/// ```
#[macro_export]
macro_rules! schema {
    ($record:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::Record for $record {
            const FIELDS: &'static [$crate::Field] = &[$(
                $crate::field(
                    ::core::stringify!($field),
                    ::core::mem::offset_of!($record, $field),
                    |record: &$record| &record.$field,
                )
            ),+];
        }
        const _: () = ::core::assert!(
            $crate::covers(<$record as $crate::Record>::FIELDS, ::core::mem::size_of::<$record>()),
            "name all fields of the record, in order"
        );
    };
}
