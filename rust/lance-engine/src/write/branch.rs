//! Writing to a branch: its directory is a dataset to the engine.

use crate::absent::no_dataset;
use crate::error::{Error, Result, code};
use crate::open::{Access, load_latest};
use crate::place::Place;
use crate::settings::WriteMode;
use crate::stored_refs::{MAIN, StoredRefs};

/// Where to write to a branch of the dataset, which must have it.
pub async fn place_of(
    place: Place,
    branch: Option<&str>,
    mode: WriteMode,
    access: &Access,
) -> Result<Place> {
    let Some(branch) = branch.filter(|branch| *branch != MAIN) else {
        return Ok(place);
    };
    if mode == WriteMode::Create {
        return Err(Error::invalid_argument(format!(
            "options.branch: branch {branch:?} is to be written to, not made: append or overwrite"
        )));
    }
    if access.keeper.is_some() {
        return Err(Error::new(
            code::NOT_SUPPORTED,
            "options.branch: the namespace keeps the versions of this table, and knows of no branches",
        ));
    }
    let Some(dataset) = load_latest(&place.uri, access).await? else {
        return Err(no_dataset(&place.uri, &place));
    };
    StoredRefs::of(&dataset).await?.branch(branch).await?;
    let location = dataset.branch_location().find_branch(Some(branch))?;
    Place::of(&location.uri)
}
