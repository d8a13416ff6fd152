//! A branch that is being made.

use std::sync::Arc;

use lance::dataset::refs::BranchContents;
use object_store::path::Path;
use tokio::runtime::Handle;

use super::{has_versions, left_over};
use crate::error::Result;
use crate::maintain::listing::DIRECTORIES;
use crate::parallel::{to_its_end, unbroken};
use crate::stored_refs::StoredRefs;
use crate::write::removal::remove_empty_dirs_below;
use crate::write::written_files::{Landing, WrittenFiles};

/// A name that nobody else can take. It is given back, unless a version was made or may have been.
pub struct Claim {
    refs: StoredRefs,
    file: Path,
    /// The directory of the branch.
    root: Path,
    /// What is made in there.
    files: Arc<WrittenFiles>,
    runtime: Handle,
    is_settled: bool,
}

impl Claim {
    pub async fn take(
        refs: &StoredRefs,
        name: &str,
        root: Path,
        contents: BranchContents,
        files: Arc<WrittenFiles>,
    ) -> Result<Self> {
        let (refs, file) = (refs.clone(), refs.branch_file(name));
        let what = format!("branch {name:?}");
        let taking = async move {
            refs.put_new(&file, &contents, what).await?;
            Ok(Self {
                refs,
                file,
                root,
                files,
                runtime: Handle::current(),
                is_settled: false,
            })
        };
        let claim = unbroken(taking).await?;
        if has_versions(&claim.refs.store, &claim.root).await? {
            claim.give_back().await?;
            claim.keep();
            return Err(left_over(name));
        }
        Ok(claim)
    }

    /// Leave things as they are.
    pub fn keep(mut self) {
        self.is_settled = true;
    }

    /// Its making has failed: give the name back, unless a version may be there.
    pub async fn settle(self) {
        self.give_back_if_unused().await;
        self.keep();
    }

    async fn give_back_if_unused(&self) {
        // Otherwise the version is there, or on its way.
        if self.files.close() != Landing::None {
            return;
        }
        let settled = async {
            if !has_versions(&self.refs.store, &self.root).await? {
                self.give_back().await?;
            }
            Ok::<_, crate::error::Error>(())
        };
        if let Err(failure) = settled.await {
            tracing::warn!(target: "lance_cpp::refs", "the file of a branch that was not made stays: {failure}");
        }
    }

    async fn give_back(&self) -> Result<()> {
        self.refs.remove(&self.file).await?;
        let directories = DIRECTORIES.map(|name| self.root.clone().join(name));
        let directories = directories.into_iter().chain([self.root.clone()]);
        remove_empty_dirs_below(&self.refs.store, &self.refs.root, directories);
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_settled {
            to_its_end(&self.runtime, self.give_back_if_unused());
        }
    }
}
