//! What is finished of new columns, kept until they are committed.
//!
//! A checkpoint is a directory with `job.json`, which says what is computed, and `fragment-N.json` for each fragment that
//! is finished: as it was, and with its new data file. The data file is where a commit wants it, and complete before it is
//! noted. What is noted counts only for a fragment that is the same, and only while its file is there.

use std::sync::Arc;

use lance::dataset::fragment::FileFragment;
use lance::datatypes::Schema;
use lance_io::object_store::ObjectStore;
use lance_table::format::Fragment;
use object_store::path::Path;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result, code};
use crate::maintain::listing::if_found;
use crate::place::Place;
use crate::read::Opened;
use crate::write::removal;

const FORMAT: u32 = 1;
const JOB: &str = "job.json";
const FRAGMENT: &str = "fragment-";

/// What is computed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    format: u32,
    dataset: String,
    /// The fields of the dataset and the new ones, with their ids.
    fields: Vec<String>,
    reads: Option<Vec<String>>,
    computes: String,
}

impl Job {
    /// `schema` is that of the dataset with the new columns.
    pub fn new(
        opened: &Opened,
        schema: &Schema,
        reads: Option<Vec<String>>,
        computes: String,
    ) -> Self {
        let fields = schema.fields_pre_order().map(|field| {
            let (id, parent, name) = (field.id, field.parent_id, &field.name);
            let nullable = if field.nullable {
                "nullable"
            } else {
                "required"
            };
            format!("{id} {parent} {} {nullable} {name}", field.logical_type)
        });
        Self {
            format: FORMAT,
            dataset: opened.plain.uri().to_string(),
            fields: fields.collect(),
            reads,
            computes,
        }
    }

    /// In what another job differs.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        [
            (self.format != other.format, "release"),
            (self.dataset != other.dataset, "dataset"),
            (self.computes != other.computes, "function"),
            (self.reads != other.reads, "list of columns that are read"),
            (self.fields != other.fields, "schema"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }
}

#[derive(Serialize, Deserialize)]
struct Begun {
    id: String,
    job: Job,
}

#[derive(Serialize, Deserialize)]
struct Finished {
    /// Of the job.
    id: String,
    before: Fragment,
    after: Fragment,
}

pub struct Checkpoint {
    store: Arc<ObjectStore>,
    directory: Path,
    /// Of the job: what others have left does not count.
    id: String,
}

impl Checkpoint {
    /// Go on where this job was left, or begin it.
    pub async fn open(directory: &str, opened: &Opened, job: Job) -> Result<Self> {
        let place = Place::of(directory).map_err(|error| error.context("options.checkpoint"))?;
        let dataset = &opened.plain;
        let params = dataset.store_params().cloned().unwrap_or_default();
        let registry = dataset.session().store_registry();
        let (store, directory) =
            ObjectStore::from_uri_and_params(registry, &place.uri, &params).await?;
        let begun = directory.clone().join(JOB);
        let id = match read::<Begun>(&store, &begun).await? {
            Some(earlier) => match job.difference(&earlier.job) {
                None => earlier.id,
                Some(what) => {
                    return Err(Error::new(
                        code::FAILED_PRECONDITION,
                        format!(
                            "the checkpoint {place} is of another {what}: finish that call, or name another directory"
                        ),
                    ));
                }
            },
            None => {
                let id = Uuid::new_v4().to_string();
                let beginning = Begun { id, job };
                write(&store, &begun, &beginning).await?;
                beginning.id
            }
        };
        Ok(Self {
            store,
            directory,
            id,
        })
    }

    fn path(&self, fragment: u64) -> Path {
        let name = format!("{FRAGMENT}{fragment}.json");
        self.directory.clone().join(name)
    }

    /// The fragment with its new columns, if they are finished.
    pub async fn finished(&self, fragment: &FileFragment) -> Result<Option<Fragment>> {
        let noted = read::<Finished>(&self.store, &self.path(fragment.id() as u64)).await?;
        let before = fragment.metadata();
        let Some(noted) = noted.filter(|it| it.id == self.id && it.before == *before) else {
            return Ok(None);
        };
        let dataset = fragment.dataset();
        let store = dataset.object_store(None).await?;
        for file in noted.after.files.iter().skip(before.files.len()) {
            let path = dataset.data_dir().join(file.path.as_str());
            let size = if_found(store.size(&path).await)?;
            let expected = file.file_size_bytes.get().map(|bytes| bytes.get());
            if size.is_none() || size != expected {
                return Ok(None);
            }
        }
        Ok(Some(noted.after))
    }

    /// Note that a fragment is finished.
    pub async fn put(&self, before: &Fragment, after: &Fragment) -> Result<()> {
        let finished = Finished {
            id: self.id.clone(),
            before: before.clone(),
            after: after.clone(),
        };
        write(&self.store, &self.path(before.id), &finished).await
    }

    /// The columns are committed.
    pub async fn remove(&self) -> Result<()> {
        let names = if_found(self.store.read_dir(self.directory.clone()).await)?;
        let names = names.unwrap_or_default().into_iter();
        let fragments = names.filter(|name| name.starts_with(FRAGMENT) && name.ends_with(".json"));
        let files = fragments.map(|name| self.directory.clone().join(name));
        removal::delete_files(&self.store, files).await?;
        // What goes last says whose the others are.
        removal::delete_file(&self.store, &self.directory.clone().join(JOB)).await
    }
}

/// None where there is no file, or one that was cut off.
async fn read<T: DeserializeOwned>(store: &ObjectStore, path: &Path) -> Result<Option<T>> {
    let bytes = if_found(store.read_one_all(path).await)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

async fn write(store: &ObjectStore, path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_vec(value);
    let text = text.map_err(|error| Error::new(code::INTERNAL, error.to_string()))?;
    store.put(path, &text).await?;
    Ok(())
}
