//! Data files that were made by others, or by the writer of files, as parts of a dataset.

use std::sync::Arc;

use lance::dataset::fragment::FileFragment;
use lance_io::utils::CachedFileSize;

use super::to_json;
use crate::error::{Error, Result, code};
use crate::panics::contained;
use crate::read::Opened;
use crate::task::Task;

/// The fragment that a file in the dataset's directory of data is, as JSON: one with the columns of the dataset.
pub fn register_file(opened: Arc<Opened>, name: String) -> Task<String> {
    Box::pin(async move {
        let size = size(&opened, &name).await?;
        let registering = async {
            let dataset = &opened.dataset;
            let made = FileFragment::create_from_file(&name, dataset, 0, None).await;
            let mut fragment = made.map_err(|error| unfit(&name, error.into()))?;
            // It counts a column for a struct, too, which a file has none for.
            let file = dataset.create_data_file(&name, None).await;
            let mut file = file.map_err(|error| unfit(&name, error.into()))?;
            file.file_size_bytes = CachedFileSize::new(size);
            fragment.files = vec![file];
            to_json(&fragment)
        };
        contained(registering).await
    })
}

/// What a manifest says of a file in the dataset's directory of data, as JSON: of one with some of its columns.
pub fn describe_data_file(opened: Arc<Opened>, name: String) -> Task<String> {
    Box::pin(async move {
        size(&opened, &name).await?;
        let describing = async {
            let described = opened.dataset.create_data_file(&name, None).await;
            to_json(&described.map_err(|error| unfit(&name, error.into()))?)
        };
        contained(describing).await
    })
}

async fn size(opened: &Opened, name: &str) -> Result<u64> {
    if name.is_empty() || name.contains('/') {
        return Err(Error::invalid_argument(format!(
            "{name:?} is not the name of a file in the directory of data files"
        )));
    }
    let store = opened.dataset.object_store(None).await?;
    let path = opened.dataset.data_dir().join(name);
    store.size(&path).await.map_err(|error| {
        let error = Error::from(error);
        match error.code() {
            code::NOT_FOUND => Error::new(
                code::NOT_FOUND,
                format!("there is no data file {name:?} in the dataset"),
            ),
            _ => error,
        }
    })
}

/// The engine takes whatever it cannot read for a mistake of the caller's.
fn unfit(name: &str, error: Error) -> Error {
    error.context(&format!("file {name:?} is no data file for this dataset"))
}
