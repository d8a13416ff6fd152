/// \file type_fwd.h
/// Forward declarations of the public types.
#pragma once

namespace lance {
inline namespace v0 {

class CredentialsProvider;
class Dataset;
class FileReader;
class FileWriter;
class Fragment;
class LanceStatusDetail;
class LanceWriter;
class Lookup;
class Namespace;
class Scanner;
class Searcher;
class Session;
class Shuffler;
class ShuffledReader;
class SqlContext;
class SqlQuery;
class StorageOptions;
class TextQuery;
class Transaction;
class VectorQuery;

struct AddColumnsOptions;
struct AddColumnsProgress;
struct CheckOptions;
struct CheckProgress;
struct CheckReport;
struct CleanupOptions;
struct CleanupResult;
struct ColumnAlteration;
struct ColumnEncoding;
struct CommitOptions;
struct CommitResult;
struct Committed;
struct Credentials;
struct DatasetInfo;
struct DeleteOptions;
struct DeleteResult;
struct FileColumn;
struct FileInfo;
struct FilePage;
struct FileWriteResult;
struct ColumnSize;
struct CommitCompactionOptions;
struct CommitResult;
struct CompactOptions;
struct CompactResult;
struct CompactionProgress;
struct CompactionTask;
struct Credentials;
struct DatasetInfo;
struct DiskUsage;
struct DiskUsageOptions;
struct ExecuteCompactionOptions;
struct FragmentInfo;
struct FragmentMetadata;
struct IndexInfo;
struct IndexOptions;
struct IndexProgress;
struct IndexSegmentInfo;
struct LogEvent;
struct LookupOptions;
struct MetadataUpdate;
struct Metrics;
struct MetricsSnapshot;
struct NamespaceOptions;
struct OpenOptions;
struct OptimizeIndicesOptions;
struct OptimizePart;
struct OrphanFile;
struct Problem;
struct ReadFileOptions;
struct RuntimeOptions;
struct ScanOptions;
struct SearcherOptions;
struct SessionOptions;
struct SessionStats;
struct ShuffleInfo;
struct ShuffleOptions;
struct ShufflePosition;
struct SqlOptions;
struct SqlTable;
struct StoreMetrics;
struct TableDescription;
struct TextClauses;
struct TextField;
struct TextMatchOptions;
struct TextPhraseOptions;
struct TextQueryOptions;
struct TextToken;
struct UpdateOptions;
struct UpdateResult;
struct VectorQueryOptions;
struct VersionInfo;
struct WriteFileOptions;
struct ValueRange;
struct VectorQueryOptions;
struct VersionInfo;
struct VersionUsage;
struct WriteOptions;
struct WriteStats;

enum class ApproxMode : int;
enum class CompactionMode : int;
enum class DistanceMetric : int;
enum class DocumentGranularity : int;
enum class ErrorCode : int;
enum class IndexRemap : int;
enum class IndexType : int;
enum class LogLevel : int;
enum class Migration : int;
enum class Nullability : int;
enum class ProblemKind : int;
enum class SearchFilter : int;
enum class TextOperator : int;
enum class WriteMode : int;

}  // namespace v0
}  // namespace lance
