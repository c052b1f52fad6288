//! `samovar set`, `get`, `contains` and `del`: entries, each for itself.

use super::source;
use crate::access::{Place, with_keys};
use crate::answer::bytes::{Effect, KeyText, ValueText, put_effect};
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::{self, Format};
use crate::args::entry::{ContainsArguments, DelArguments, GetArguments, SetArguments};
use samovar::{Cache, Error, Swap, Version};
use serde::Serialize;
use std::ffi::OsStr;
use std::path::Path;

/// Stores a value, if nothing speaks against it.
pub(crate) fn set(arguments: &SetArguments, format: Format) -> Outcome<Status> {
    let value = source::read(&arguments.value, &arguments.target.file)?;
    let (key, ttl) = (arguments.key.as_encoded_bytes(), arguments.life.ttl.ttl());
    let swap = with_keys(&arguments.target, |cache| match arguments.if_version {
        None => cache.set_with(key, &value, ttl).map(|()| Swap::Stored),
        Some(number) => cache.compare_and_set(key, Version::from_number(number), &value, ttl),
    })?;
    put_effect(key, effect(swap), format)
}

fn effect(swap: Swap) -> Effect {
    match swap {
        Swap::Stored => Effect::Stored,
        Swap::Changed => Effect::Changed,
        Swap::Missing => Effect::Missing,
    }
}

/// A value that was found, and its version unless it was touched.
struct FoundValue {
    value: Vec<u8>,
    version: Option<Version>,
}

/// Writes values out, byte for byte, or what else of them was asked for.
pub(crate) fn get(arguments: &GetArguments, format: Format) -> Outcome<Status> {
    if arguments.out.is_some() && arguments.keys.len() > 1 {
        return Err(Failure::new(
            Status::Usage,
            "--out",
            "it takes the value of one key, and several are asked for",
        )
        .with_remedy("ask for one after the other, or use --json"));
    }
    let is_read = arguments.count || arguments.touch.is_some();
    let place =
        if is_read { Place::open(&arguments.target)? } else { Place::open_to_look(&arguments.target)? };
    let mut all_found = true;
    for key in &arguments.keys {
        let found = place.with(|cache| look_up(cache, key, arguments))?;
        all_found &= found.is_some();
        match format {
            Format::Json => put_json(arguments, key, found)?,
            Format::Text => found.map_or(Ok(()), |found| put_text(arguments, &found))?,
        }
    }
    place.close()?;
    Ok(Status::from(all_found))
}

fn look_up(cache: &Cache, key: &OsStr, arguments: &GetArguments) -> Result<Option<FoundValue>, Error> {
    let key = key.as_encoded_bytes();
    match arguments.touch {
        Some(life) => {
            Ok(cache.get_and_touch(key, life.ttl())?.map(|value| FoundValue { value, version: None }))
        }
        None => {
            let found = cache.get_with_version(key)?;
            Ok(found.map(|(value, version)| FoundValue { value, version: Some(version) }))
        }
    }
}

fn put_text(arguments: &GetArguments, found: &FoundValue) -> Outcome<()> {
    let end = match arguments {
        GetArguments { null: true, .. } => "\0",
        GetArguments { keys, version: false, .. } if keys.len() == 1 => "",
        _ => "\n",
    };
    if let Some(out) = &arguments.out {
        put_file(out, &found.value)?;
    }
    if let (true, Some(version)) = (arguments.version, found.version) {
        return output::put_bytes(format!("{}{end}", version.number()).as_bytes());
    }
    if arguments.out.is_some() {
        return Ok(());
    }
    output::put_bytes(&found.value)?;
    output::put_bytes(end.as_bytes())
}

fn put_json(arguments: &GetArguments, key: &OsStr, found: Option<FoundValue>) -> Outcome<()> {
    let key = key.as_encoded_bytes();
    let Some(FoundValue { value, version }) = found else {
        return output::put_json_line(&GetAnswer::missing(key));
    };
    let mut answer = GetAnswer { found: true, bytes: Some(value.len()), ..GetAnswer::missing(key) };
    answer.version = version.map(Version::number);
    match &arguments.out {
        Some(out) => put_file(out, &value)?,
        None => answer.value = Some(ValueText::of(&value)),
    }
    output::put_json_line(&answer)
}

fn put_file(out: &Path, value: &[u8]) -> Outcome<()> {
    std::fs::write(out, value).map_err(|error| Failure::of_file(out, &error))
}

/// What a key has, for scripts.
#[derive(Debug, Serialize)]
struct GetAnswer<'a> {
    #[serde(flatten)]
    key: KeyText<'a>,
    found: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    #[serde(flatten)]
    value: Option<ValueText<'a>>,
}

impl<'a> GetAnswer<'a> {
    fn missing(key: &'a [u8]) -> Self {
        GetAnswer { key: KeyText::of(key), found: false, version: None, bytes: None, value: None }
    }
}

/// Says whether an entry is there.
pub(crate) fn contains(arguments: &ContainsArguments, format: Format) -> Outcome<Status> {
    let key = arguments.key.as_encoded_bytes();
    let place = Place::open_to_look(&arguments.target)?;
    let found = place.with(|cache| cache.contains(key))?;
    place.close()?;
    format.answer(&GetAnswer { found, ..GetAnswer::missing(key) })?;
    Ok(Status::from(found))
}

/// Removes entries.
pub(crate) fn delete(arguments: &DelArguments, format: Format) -> Outcome<Status> {
    let place = Place::open(&arguments.target)?;
    let mut all_found = true;
    for key in &arguments.keys {
        let key = key.as_encoded_bytes();
        let effect = if place.with(|cache| cache.remove(key))? { Effect::Removed } else { Effect::Missing };
        all_found &= put_effect(key, effect, format)? == Status::Done;
    }
    place.close()?;
    Ok(Status::from(all_found))
}
