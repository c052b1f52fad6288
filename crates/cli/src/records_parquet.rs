//! Records out to Parquet and in from it, where the program was built with that.

use crate::answer::failure::{Outcome, Status};
use indicatif::ProgressBar;
use samovar_records::{RawFile, Schema};
use std::path::Path;

/// Whether a file is one of Parquet, by its name.
pub(crate) fn is_named(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"))
}

#[cfg(feature = "parquet")]
pub(crate) fn export(file: &RawFile, path: &Path, bar: &ProgressBar) -> Outcome<Status> {
    use crate::answer::failure::Failure;
    let out = std::fs::File::create(path).map_err(|error| Failure::of_file(path, &error))?;
    let written = file.write_parquet(out, |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    written.map_err(|error| crate::records_file::failure_of(path, &error))?;
    Ok(Status::Done)
}

#[cfg(feature = "parquet")]
pub(crate) fn read(path: &Path, schema: &Schema, bar: &ProgressBar) -> Outcome<Vec<u8>> {
    use crate::answer::failure::Failure;
    let file = std::fs::File::open(path).map_err(|error| Failure::of_file(path, &error))?;
    let rows = samovar_records::parquet_rows(file, schema, |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    rows.map_err(|error| crate::records_file::failure_of(path, &error).with_remedy("nothing was imported"))
}

#[cfg(not(feature = "parquet"))]
pub(crate) fn export(_file: &RawFile, path: &Path, _bar: &ProgressBar) -> Outcome<Status> {
    Err(without_parquet(path))
}

#[cfg(not(feature = "parquet"))]
pub(crate) fn read(path: &Path, _schema: &Schema, _bar: &ProgressBar) -> Outcome<Vec<u8>> {
    Err(without_parquet(path))
}

#[cfg(not(feature = "parquet"))]
fn without_parquet(path: &Path) -> crate::answer::failure::Failure {
    crate::answer::failure::Failure::new(
        Status::Usage,
        path.display(),
        "this program was built without Parquet",
    )
    .with_remedy("install it with `cargo install samovar-cli --features parquet`, or use a CSV file")
}
