/// \file api.h
/// The whole public interface of lance-cpp.
///
/// Failures are arrow::Status with a LanceStatusDetail. A function that waits has two forms. `X(..., stop)`
/// returns when the work has ended. `XAsync(..., stop)` returns at once, with an arrow::Future that ends as
/// `X` would return; include arrow/util/future.h to use it. What the arguments refer to is only needed until
/// it returns, and the object that it was called on may be destroyed before the future ends, but for a
/// LanceWriter: its destruction aborts its calls on their way, so keep it until their futures have ended.
///
/// Dataset::Version() has no asynchronous form: use InfoAsync(). Dataset::Statistics(), Session::Stats(),
/// GetMetrics(), SqlContext::Tables(), Shuffler::State(), Dataset::PlanDropColumns() and what tells of
/// metadata need none, they do not wait for anything.
///
/// `stop` is an arrow::StopToken. When it asks for a stop, the work ends within some milliseconds, releases
/// what it holds, and fails with ErrorCode::kCancelled and the token's own message; a call whose token has
/// been stopped before does not begin. Writes that are stopped leave no file. LanceWriter::Abort() takes no
/// token: it is a stop itself.
///
/// Futures end on threads of the library, and so do their continuations. These must be quick and must not
/// throw, and calls that wait fail in them with ErrorCode::kInvalidState: start an asynchronous one there, or
/// go to another thread with `executor->Transfer(future)`.
///
/// When the process exits, calls on their way are cancelled, and the exit waits for their futures, within
/// five seconds in all. They end before the destruction of what was constructed before the first asynchronous
/// call, but what was constructed later is destroyed earlier: continuations must not use it.
#pragma once

#include "lance/column_encoding.h"
#include "lance/compact.h"
#include "lance/credentials.h"
#include "lance/dataset.h"
#include "lance/dlpack.h"
#include "lance/error_code.h"
#include "lance/evolution.h"
#include "lance/file.h"
#include "lance/fragment.h"
#include "lance/hybrid.h"
#include "lance/index.h"
#include "lance/lance_writer.h"
#include "lance/lookup.h"
#include "lance/maintenance.h"
#include "lance/merge.h"
#include "lance/merge_insert.h"
#include "lance/mutation.h"
#include "lance/namespace.h"
#include "lance/options.h"
#include "lance/results.h"
#include "lance/retry.h"
#include "lance/runtime.h"
#include "lance/scanner.h"
#include "lance/search.h"
#include "lance/searcher.h"
#include "lance/session.h"
#include "lance/shuffle.h"
#include "lance/sql.h"
#include "lance/status.h"
#include "lance/storage_options.h"
#include "lance/telemetry.h"
#include "lance/text_query.h"
#include "lance/transaction.h"
#include "lance/version.h"
