//! Manifests and the version hint, read on the thread that asks.
//!
//! To open a dataset the engine asks for three of these, one after another. They are small and mostly in the page cache,
//! and `object_store` hands each request over to a thread of the blocking pool, which takes longer than the request.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::ready;
use futures::stream::once;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, GetResult, GetResultPayload, ObjectMeta, Result};

/// A larger file is left to the blocking pool.
const MOST_BYTES: u64 = 1 << 20;

pub fn is_version_file(path: &Path) -> bool {
    let directory = path.parts().rev().nth(1);
    directory.is_some_and(|directory| directory.as_ref() == "_versions")
}

/// Answer a request that has no preconditions. None leaves it to the file system's own way.
pub fn get(
    file_system: &LocalFileSystem,
    path: &Path,
    options: &GetOptions,
) -> Option<Result<GetResult>> {
    let name = file_system.path_to_filesystem(path).ok()?;
    let read = if options.head {
        std::fs::metadata(&name).map(|metadata| (metadata, Bytes::new()))
    } else {
        read(&name, options.range.as_ref())
    };
    let (metadata, bytes) = match read {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            let path = name.display().to_string();
            let source = Box::new(error);
            return Some(Err(Error::NotFound { path, source }));
        }
        Err(_) => return None,
    };
    let range = range_of(options.range.as_ref(), metadata.len())?;
    Some(Ok(GetResult {
        payload: GetResultPayload::Stream(once(ready(Ok(bytes))).boxed()),
        meta: object_meta(path.clone(), &metadata)?,
        range,
        attributes: Default::default(),
        extensions: Default::default(),
    }))
}

fn range_of(range: Option<&GetRange>, size: u64) -> Option<std::ops::Range<u64>> {
    match range {
        Some(range) => range.as_range(size).ok(),
        None => Some(0..size),
    }
}

fn read(name: &std::path::Path, range: Option<&GetRange>) -> io::Result<(Metadata, Bytes)> {
    let file = File::open(name)?;
    let metadata = file.metadata()?;
    let range = range_of(range, metadata.len())
        .filter(|range| metadata.is_file() && range.end - range.start <= MOST_BYTES)
        .ok_or(ErrorKind::Unsupported)?;
    let mut bytes = vec![0; (range.end - range.start) as usize];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok((metadata, bytes.into()))
}

/// As `object_store` makes it, so that a tag equals that of a listing.
fn object_meta(location: Path, metadata: &Metadata) -> Option<ObjectMeta> {
    let modified = metadata.modified().ok().filter(|_| metadata.is_file())?;
    let micros = modified
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_micros();
    let (inode, size) = (metadata.ino(), metadata.len());
    Some(ObjectMeta {
        location,
        last_modified: modified.into(),
        size,
        e_tag: Some(format!("\"{inode:x}-{micros:x}-{size:x}\"")),
        version: None,
    })
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStore;

    use super::*;

    fn block_on<T>(task: impl Future<Output = T>) -> T {
        futures::executor::block_on(task)
    }

    /// A directory of versions with one file.
    fn versions(name: &str) -> (std::path::PathBuf, Path) {
        let root = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        let file = root.join("_versions/1.manifest");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, b"0123456789").unwrap();
        (root, Path::from_absolute_path(&file).unwrap())
    }

    #[test]
    fn answers_equal_those_of_the_file_system() {
        let (root, path) = versions("answers");
        let file_system = LocalFileSystem::new();
        let tail = GetOptions::new().with_range(Some(GetRange::Suffix(4)));
        let head = GetOptions::new().with_head(true);
        for options in [GetOptions::new(), tail, head] {
            let ours = get(&file_system, &path, &options).unwrap().unwrap();
            let theirs = block_on(file_system.get_opts(&path, options.clone())).unwrap();
            assert_eq!((&ours.meta, &ours.range), (&theirs.meta, &theirs.range));
            if !options.head {
                let bytes = block_on(ours.bytes()).unwrap();
                assert_eq!(bytes, block_on(theirs.bytes()).unwrap());
            }
        }
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn what_is_missing_is_not_found_and_what_is_odd_is_left_alone() {
        let (root, path) = versions("odd");
        let file_system = LocalFileSystem::new();
        let directory = Path::from_absolute_path(root.join("_versions")).unwrap();
        let beyond = GetOptions::new().with_range(Some(GetRange::Bounded(20..30)));
        assert!(get(&file_system, &directory, &GetOptions::new()).is_none());
        assert!(get(&file_system, &path, &beyond).is_none());
        let below = Path::from(format!("{path}/_versions/1.manifest"));
        let missing = |path| get(&file_system, path, &GetOptions::new());
        assert!(matches!(missing(&below), Some(Err(Error::NotFound { .. }))));
        std::fs::remove_file(root.join("_versions/1.manifest")).unwrap();
        assert!(matches!(missing(&path), Some(Err(Error::NotFound { .. }))));
        std::fs::remove_dir_all(root).unwrap();
    }
}
