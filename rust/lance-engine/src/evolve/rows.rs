//! The rows of a stream, shared out among fragments.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tokio::sync::Mutex;

use crate::error::{Error, Result};
use crate::incoming::Incoming;

#[derive(Clone)]
pub struct Rows(Arc<Mutex<Left>>);

struct Left {
    incoming: Incoming,
    /// What the fragment before has left of a batch.
    rest: Option<RecordBatch>,
}

impl Left {
    /// A batch of at most so many rows.
    async fn next(&mut self, most: usize) -> Result<Option<RecordBatch>> {
        loop {
            let batch = match self.rest.take() {
                Some(rest) => rest,
                None => match self.incoming.try_next().await? {
                    Some(batch) => batch,
                    None => return Ok(None),
                },
            };
            if batch.num_rows() > most {
                self.rest = Some(batch.slice(most, batch.num_rows() - most));
                return Ok(Some(batch.slice(0, most)));
            }
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
    }
}

impl Rows {
    pub fn new(incoming: Incoming) -> Self {
        Self(Arc::new(Mutex::new(Left {
            incoming,
            rest: None,
        })))
    }

    /// The next rows, so many.
    pub fn take(&self, rows: usize) -> BoxStream<'static, Result<RecordBatch>> {
        let left = self.0.clone();
        let batches = stream::try_unfold(rows, move |wanted| {
            let left = left.clone();
            async move {
                if wanted == 0 {
                    return Ok(None);
                }
                match left.lock().await.next(wanted).await? {
                    Some(batch) => {
                        let more = wanted - batch.num_rows();
                        Ok(Some((batch, more)))
                    }
                    None => Err(Error::invalid_argument(
                        "the stream has fewer rows than the dataset",
                    )),
                }
            }
        });
        batches.boxed()
    }

    /// Refuse more rows.
    pub async fn end(&self) -> Result<()> {
        match self.0.lock().await.next(1).await? {
            None => Ok(()),
            Some(_) => Err(Error::invalid_argument(
                "the stream has more rows than the dataset",
            )),
        }
    }
}
