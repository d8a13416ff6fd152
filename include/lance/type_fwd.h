/// \file type_fwd.h
/// Forward declarations of the public types.
#pragma once

namespace lance {
inline namespace v0 {

class Dataset;
class LanceStatusDetail;
class LanceWriter;
class Scanner;
class Session;
class StorageOptions;
class Transaction;

struct AccessOptions;
struct Aggregate;
struct CheckOptions;
struct CheckProgress;
struct CheckReport;
struct CleanupOptions;
struct CleanupResult;
struct ColumnEncoding;
struct CommitResult;
struct DatasetInfo;
struct DatasetStatistics;
struct FragmentInfo;
struct FragmentSlice;
struct LogEvent;
struct Metrics;
struct MetricsSnapshot;
struct OpenOptions;
struct Problem;
struct RowRange;
struct RuntimeOptions;
struct ScanOptions;
struct ScanSplit;
struct ScanStatistics;
struct SessionOptions;
struct SessionStats;
struct SortKey;
struct StoreMetrics;
struct TakeOptions;
struct VersionInfo;
struct WriteOptions;
struct WriteStats;

enum class AggregateFunction : int;
enum class BlobHandling : int;
enum class ErrorCode : int;
enum class LogLevel : int;
enum class Materialization : int;
enum class ProblemKind : int;
enum class WriteMode : int;

}  // namespace v0
}  // namespace lance
