//! A new cache file.

use crate::error::{Error, ErrorKind, Result};
use crate::file::clean_word::CleanWord;
use crate::file::clock::TimeBase;
use crate::file::extents;
use crate::file::identity::Identity;
use crate::file::size_record::SizeRecord;
use crate::format::geometry::Geometry;
use crate::format::header::FileHeader;
use crate::format::seal::SealKey;
use crate::repair::recover;
use crate::shard::view::Shard;
use samovar_mmap::{Access, FileId, NewFile, SharedMap};
use std::path::Path;

/// Makes the file under a temporary name and links it: a half-made file is never seen. False if somebody was first.
pub(crate) fn create(path: &Path, geometry: Geometry, sealed: bool) -> Result<bool> {
    let header = new_header(geometry, sealed)?;
    let new = NewFile::create(path)?;
    if samovar_mmap::is_remote(new.file())? {
        return Err(Error::new(
            ErrorKind::RemoteFilesystem,
            format!("{} is on a network file system; use a local disk or tmpfs", path.display()),
        ));
    }
    extents::occupy(new.file(), &geometry, &SizeRecord::new(&geometry))?;
    let map = SharedMap::map(new.file(), Access::ReadWrite, 0, None)?;
    format(&map, &header, samovar_mmap::file_id(new.file())?)?;
    map.close()?;
    match new.publish() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == samovar_mmap::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn new_header(geometry: Geometry, sealed: bool) -> Result<FileHeader> {
    let (mut uuid, mut seal_key, mut seed) = ([0; 16], [0; 16], [0; 8]);
    for secret in [&mut uuid[..], &mut seal_key[..], &mut seed[..]] {
        getrandom::fill(secret).map_err(|source| {
            let source = std::io::Error::from(source);
            Error::with_source(
                ErrorKind::Io,
                "the system gave no random bytes for the cache's secret",
                source,
            )
        })?;
    }
    let created_ms = samovar_mmap::wall_ms();
    let (hash_seed, seal_key) = (u64::from_le_bytes(seed), SealKey::new(seal_key));
    Ok(FileHeader { uuid, hash_seed, seal_key, sealed, created_ms, geometry })
}

/// A new file's first state: no entries, this boot, clean.
fn format(map: &SharedMap, header: &FileHeader, id: FileId) -> Result<()> {
    map.view().write_from(0, &header.encode()[..])?;
    for number in 0..header.geometry.shards() {
        recover::format(Shard::new(map.view(), header, number)?);
    }
    SizeRecord::new(&header.geometry).store(map.view())?;
    TimeBase::resume(map.view())?.store(map.view())?;
    Identity::present(id).store(map.view())?;
    CleanWord::of(map.view())?.set_clean();
    map.flush()?;
    Ok(())
}
