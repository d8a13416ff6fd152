//! A data file that is written by itself.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;
use lance_core::datatypes::Schema as LanceSchema;
use lance_file::version::LanceFileVersion;
use lance_file::versions::create_writer;
use lance_file::writer::{FileWriter as EngineWriter, FileWriterOptions};
use lance_io::object_store::ObjectStore;

use super::{access, locate};
use crate::error::{Error, Result, code};
use crate::fault;
use crate::last_use;
use crate::local::store::make_durable;
use crate::panics::contained;
use crate::place::Place;
use crate::runtime::{block_on, forget_unused_stores, refuse_runtime_thread};
use crate::settings::{AccessSettings, FileWriteResult, WriteFileSettings};
use crate::sync::{Mutex, lock};
use crate::task::Task;
use crate::write::written_files::WrittenFiles;
use crate::write::{check_storable, storage_version};

enum State {
    Open(Box<EngineWriter>),
    /// A call has the writer.
    Busy,
    /// Why nothing is written any more.
    Closed(Error),
}

/// A file on its way, which is there when it is finished, or not at all.
pub struct FileWriter {
    pub schema: SchemaRef,
    /// One call after the other.
    state: Mutex<State>,
    store: Arc<ObjectStore>,
    written_files: Arc<WrittenFiles>,
}

fn closed(how: &str) -> Error {
    Error::invalid_state(format!("the file {how}"))
}

pub fn open(place: Place, schema: Schema, settings: WriteFileSettings) -> Task<FileWriter> {
    Box::pin(async move {
        fault::point()?;
        check_storable(&schema)?;
        let version = settings.data_storage_version.as_deref();
        let version = version.map_or(Ok(LanceFileVersion::default()), storage_version)?;
        let columns = LanceSchema::try_from(&schema)?;
        let mut access = access(AccessSettings {
            storage_options: settings.storage_options,
            session: settings.session,
            credentials: settings.credentials,
        })
        .await?;
        if settings.durable {
            make_durable(&mut access.storage_options);
        }
        let written_files = Arc::new(WrittenFiles::of_change());
        let params = written_files.store_params(&access);
        let (store, path) = locate(&place, &access, params).await?;
        if store.exists(&path).await? {
            return Err(Error::new(
                code::ALREADY_EXISTS,
                format!("file {place} already exists"),
            ));
        }
        let object = store.create(&path).await?;
        let options = FileWriterOptions {
            data_cache_bytes: settings.encoder_cache_bytes,
            max_page_bytes: settings.max_page_bytes,
            keep_original_array: None,
        };
        let making = async { Ok(create_writer(version.resolve(), object, columns, options)?) };
        let engine = contained(making).await?;
        Ok(FileWriter {
            schema: Arc::new(schema),
            state: Mutex::new(State::Open(Box::new(engine))),
            store,
            written_files,
        })
    })
}

impl FileWriter {
    /// Have `work` do something with the engine's writer, perhaps the last thing. What fails is the end of the file, too.
    fn with<T, W>(
        &self,
        is_last: bool,
        work: impl FnOnce(Box<EngineWriter>) -> W + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = (Box<EngineWriter>, Result<T>)> + Send + 'static,
    {
        refuse_runtime_thread()?;
        let mut state = lock(&self.state);
        let engine = match std::mem::replace(&mut *state, State::Busy) {
            State::Open(engine) => engine,
            State::Busy => return Err(closed("is being written")),
            State::Closed(why) => {
                *state = State::Closed(why.clone());
                return Err(why);
            }
        };
        let done = block_on(contained(async move {
            fault::point()?;
            let (engine, done) = work(engine).await;
            Ok((engine, done?))
        }));
        match done {
            Ok((engine, value)) => {
                *state = match is_last {
                    true => State::Closed(closed("is finished")),
                    false => State::Open(engine),
                };
                Ok(value)
            }
            Err(error) => {
                *state = State::Closed(error.clone());
                drop(state);
                self.remove();
                Err(error)
            }
        }
    }

    pub fn write(&self, batch: RecordBatch) -> Result<()> {
        self.with(false, |mut engine| async move {
            let done = engine.write_batch(&batch).await;
            (engine, done.map_err(Error::from))
        })
    }

    /// Keep something beside the schema.
    pub fn add_schema_metadata(&self, key: String, value: String) -> Result<()> {
        self.with(false, |mut engine| async move {
            engine.add_schema_metadata(key, value);
            (engine, Ok(()))
        })
    }

    /// Keep bytes of the caller's: their number.
    pub fn add_global_buffer(&self, bytes: Vec<u8>) -> Result<u64> {
        self.with(false, |mut engine| async move {
            let index = engine.add_global_buffer(Bytes::from(bytes)).await;
            (engine, index.map(u64::from).map_err(Error::from))
        })
    }

    /// How many bytes have left the encoders.
    pub fn tell(&self) -> Result<u64> {
        self.with(false, |mut engine| async move {
            let position = engine.tell().await;
            (engine, position.map_err(Error::from))
        })
    }

    /// Write what is left, and let the file be there.
    pub fn finish(&self) -> Result<FileWriteResult> {
        let made = self.with(true, |mut engine| async move {
            let made = engine.finish().await;
            (engine, made.map_err(Error::from))
        })?;
        Ok(FileWriteResult {
            rows: made.num_rows,
            bytes: made.size_bytes,
        })
    }

    /// Give up: no file is left. What is finished stays.
    pub fn abort(&self) -> Result<()> {
        refuse_runtime_thread()?;
        let mut state = lock(&self.state);
        if matches!(*state, State::Open(_)) {
            *state = State::Closed(closed("was given up"));
            drop(state);
            self.remove();
        }
        Ok(())
    }

    /// Delete what was made of it. The failure itself is what the caller is told.
    fn remove(&self) {
        let (written, store) = (self.written_files.clone(), self.store.clone());
        written.close();
        let removed = block_on(async move { written.delete_files(&store).await });
        if let Err(failure) = removed {
            tracing::warn!(target: "lance_cpp::file", "a file that was given up stays: {failure}");
        }
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        // It fails inside a callback, where the store's own rules for unfinished uploads are left.
        let _ = self.abort();
        last_use::note();
        forget_unused_stores();
    }
}
