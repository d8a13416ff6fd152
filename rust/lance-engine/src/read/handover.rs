//! An open dataset as bytes, for another process that is to open the same version without reading anything.
//!
//! The bytes are a magic, a format, the length of a header, the header as JSON, the manifest as the engine has it, and a
//! checksum of all that. Credentials are not among them.

use std::sync::Arc;

use lance_table::io::commit::ManifestNamingScheme;
use serde::{Deserialize, Serialize};

use super::known_location::{KnownLocation, ManifestFile};
use super::opened::Opened;
use crate::checksum::checksum;
use crate::commit_handler::InPlace;
use crate::error::{Error, Result, code};
use crate::open::{Access, builder, load};
use crate::panics::contained;
use crate::place::Place;
use crate::settings::AccessSettings;
use crate::task::Task;

const MAGIC: &[u8] = b"LANCEDS\n";
const FORMAT: u32 = 1;

/// What is not in the manifest.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    uri: String,
    version: u64,
    /// Whether the names of manifests are those of the engine's second scheme.
    newer_names: bool,
    manifest_file_bytes: Option<u64>,
    manifest_e_tag: Option<String>,
}

/// Describe a dataset.
pub fn serialize(opened: &Opened) -> Result<Vec<u8>> {
    let dataset = &opened.dataset;
    let location = dataset.manifest_location();
    let header = Header {
        uri: dataset.uri().to_string(),
        version: location.version,
        newer_names: location.naming_scheme == ManifestNamingScheme::V2,
        manifest_file_bytes: location.size,
        manifest_e_tag: location.e_tag.clone(),
    };
    pack(&header, &dataset.manifest().serialized())
}

fn pack(header: &Header, manifest: &[u8]) -> Result<Vec<u8>> {
    let header = serde_json::to_vec(header)
        .map_err(|error| Error::new(code::INTERNAL, format!("cannot write JSON: {error}")))?;
    let length = header.len() as u32;
    let mut bytes = [
        MAGIC,
        &FORMAT.to_le_bytes(),
        &length.to_le_bytes(),
        header.as_slice(),
        manifest,
    ]
    .concat();
    bytes.extend(checksum(&bytes).to_le_bytes());
    Ok(bytes)
}

/// The header, and the manifest.
fn unpack(bytes: &[u8]) -> Result<(Header, &[u8])> {
    let damaged = || Error::new(code::CORRUPT, "the bytes of the dataset are damaged");
    if !bytes.starts_with(MAGIC) {
        return Err(Error::invalid_argument(
            "these bytes are not a dataset that this library has serialized",
        ));
    }
    let (content, sum) = bytes.split_last_chunk().ok_or_else(damaged)?;
    if checksum(content) != u64::from_le_bytes(*sum) {
        return Err(damaged());
    }
    let rest = content.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (format, rest) = rest.split_first_chunk().ok_or_else(damaged)?;
    let format = u32::from_le_bytes(*format);
    if format != FORMAT {
        return Err(Error::new(
            code::NOT_SUPPORTED,
            format!(
                "the dataset is serialized in format {format}, which a later version of this library has: this one knows {FORMAT}"
            ),
        ));
    }
    let (length, rest) = rest.split_first_chunk().ok_or_else(damaged)?;
    let length = u32::from_le_bytes(*length) as usize;
    let (header, manifest) = rest.split_at_checked(length).ok_or_else(damaged)?;
    let header = serde_json::from_slice(header).map_err(|_| damaged())?;
    Ok((header, manifest))
}

/// Open what another process has described.
pub fn deserialize(bytes: Vec<u8>, settings: AccessSettings) -> Task<Opened> {
    Box::pin(async move {
        let (header, manifest) = unpack(&bytes)?;
        let place = Place::of(&header.uri)?;
        let access = Access {
            storage_options: settings.storage_options,
            session: settings.session,
            ..Access::default()
        };
        let access = access.renewed_by(settings.credentials).await?;
        let handler = access.commit_handler(&place.uri).await?;
        let naming = match header.newer_names {
            true => ManifestNamingScheme::V2,
            false => ManifestNamingScheme::V1,
        };
        let known = ManifestFile {
            version: header.version,
            naming,
            bytes: header.manifest_file_bytes,
            e_tag: header.manifest_e_tag,
        };
        let target = builder(&place.uri, &access)?.with_commit_handler(Arc::new(InPlace(
            Arc::new(KnownLocation::new(handler, known)),
        )));
        let target = contained(async { Ok(target.with_serialized_manifest(manifest)?) }).await;
        let target = target.map_err(|error| {
            error
                .with_code(code::CORRUPT)
                .context("the manifest of the dataset is damaged")
        })?;
        Ok(Opened::reached(load(target).await??, access))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed() -> Vec<u8> {
        let header = Header {
            uri: "s3://bucket/a".to_string(),
            version: 7,
            newer_names: true,
            manifest_file_bytes: Some(12),
            manifest_e_tag: Some("\"e\"".to_string()),
        };
        pack(&header, b"manifest").unwrap()
    }

    #[test]
    fn what_was_packed_comes_out_again() {
        let bytes = packed();
        let (header, manifest) = unpack(&bytes).unwrap();
        assert_eq!((header.version, header.newer_names), (7, true));
        assert_eq!(
            (header.uri.as_str(), manifest),
            ("s3://bucket/a", &b"manifest"[..])
        );
    }

    #[test]
    fn every_damage_shows() {
        let bytes = packed();
        for length in 0..bytes.len() {
            assert!(unpack(&bytes[..length]).is_err(), "{length}");
        }
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            let error = unpack(&damaged).unwrap_err();
            let expected = match place < MAGIC.len() {
                true => code::INVALID_ARGUMENT,
                false => code::CORRUPT,
            };
            assert_eq!(error.code(), expected, "{place}: {error}");
        }
    }

    #[test]
    fn a_later_format_is_not_supported_and_a_length_that_lies_is_damage() {
        for (place, expected) in [(8, code::NOT_SUPPORTED), (14, code::CORRUPT)] {
            let mut bytes = packed();
            bytes.truncate(bytes.len() - 8);
            bytes[place] += 1;
            bytes.extend(checksum(&bytes).to_le_bytes());
            assert_eq!(unpack(&bytes).unwrap_err().code(), expected);
        }
    }
}
