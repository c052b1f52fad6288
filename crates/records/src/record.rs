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

/// A number or an array of numbers: what a field of a [`Record`] may be. A type of one's own becomes one by
/// [`plain!`](crate::plain).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no field of a record: neither a number nor an array of numbers",
    note = "keep a bool or an enum as a `u8`, a text as a `[u8; N]`, a time as an `i64`",
    note = "a `#[repr(transparent)]` type around a number is one after `samovar_records::plain!(Price: f64);`"
)]
pub trait Plain: Copy {
    #[doc(hidden)]
    const SCALAR: Scalar;
    #[doc(hidden)]
    const COUNT: Option<usize>;
}

macro_rules! plain {
    ($($type:ty => $scalar:ident),+) => {
        $(
            impl Plain for $type {
                const SCALAR: Scalar = Scalar::$scalar;
                const COUNT: Option<usize> = None;
            }
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
pub const fn field<R, F: Plain>(name: &'static str, offset: usize, _accessor: fn(&R) -> F) -> Field {
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

/// Makes a type around a number, or around an array of numbers, a field of records: in files it is that number.
///
/// ```
/// use samovar_records::{Record, plain, schema};
/// use zerocopy::{FromBytes, Immutable, IntoBytes};
///
/// #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
/// #[repr(transparent)]
/// struct Price(f64);
/// plain!(Price: f64);
///
/// #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
/// #[repr(C)]
/// struct Quote { bid: Price, ask: Price }
/// schema!(Quote { bid, ask });
/// assert_eq!(Quote::schema()?.to_string(), "bid:f64,ask:f64");
/// # Ok::<(), samovar_records::Error>(())
/// ```
#[macro_export]
macro_rules! plain {
    ($type:ty : $inner:ty) => {
        impl $crate::Plain for $type {
            const SCALAR: $crate::Scalar = <$inner as $crate::Plain>::SCALAR;
            const COUNT: ::core::option::Option<usize> = <$inner as $crate::Plain>::COUNT;
        }
        const _: () = ::core::assert!(
            ::core::mem::size_of::<$type>() == ::core::mem::size_of::<$inner>()
                && ::core::mem::align_of::<$type>() == ::core::mem::align_of::<$inner>(),
            "the type has another size or alignment than what it is said to be; make it repr(transparent)"
        );
    };
}

/// Makes a type a [`Record`] by naming its fields, in order. A field that is forgotten, misnamed or out of order does
/// not compile. A field must be a number, an array of numbers, or a type that [`plain!`](crate::plain) has made one.
/// The type may be a path, packed, and a generic type with its arguments.
///
/// ```
/// use samovar_records::schema;
/// use samovar_records::zerocopy::{FromBytes, Immutable, IntoBytes};
///
/// mod market {
///     # use samovar_records::zerocopy::{FromBytes, Immutable, IntoBytes};
///     #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
///     #[zerocopy(crate = "samovar_records::zerocopy")] // for who has no zerocopy among the dependencies
///     #[repr(C)]
///     pub struct Bar { pub time: i64, pub close: f64 }
/// }
/// schema!(market::Bar { time, close });
///
/// #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
/// #[repr(C, packed)] // without padding, whatever it holds
/// struct Tick<P> { time: i64, price: P, side: u8 }
/// schema!(Tick<f32> { time, price, side });
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
    ($record:ty { $($field:ident),+ $(,)? }) => {
        impl $crate::Record for $record {
            const FIELDS: &'static [$crate::Field] = &[$(
                $crate::field(
                    ::core::stringify!($field),
                    ::core::mem::offset_of!($record, $field),
                    |record: &$record| record.$field,
                )
            ),+];
        }
        const _: () = ::core::assert!(
            $crate::covers(<$record as $crate::Record>::FIELDS, ::core::mem::size_of::<$record>()),
            "name all fields of the record, in order"
        );
    };
}
