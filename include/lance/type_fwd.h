/// \file type_fwd.h
/// Forward declarations of the public types.
#pragma once

namespace lance {
inline namespace v0 {

class CredentialsProvider;
class Dataset;
class LanceStatusDetail;
class LanceWriter;
class Lookup;
class MergeInserter;
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

struct CheckOptions;
struct CheckProgress;
struct CheckReport;
struct CleanupOptions;
struct CleanupResult;
struct ColumnEncoding;
struct CommitResult;
struct Credentials;
struct DatasetInfo;
struct FragmentInfo;
struct IndexInfo;
struct IndexOptions;
struct IndexProgress;
struct IndexSegmentInfo;
struct LogEvent;
struct LookupOptions;
struct MergeInsertOptions;
struct MergeInsertResult;
struct Metrics;
struct MetricsSnapshot;
struct NamespaceOptions;
struct OpenOptions;
struct OptimizeIndicesOptions;
struct Problem;
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
struct VectorQueryOptions;
struct VersionInfo;
struct WriteOptions;
struct WriteStats;

enum class ApproxMode : int;
enum class DistanceMetric : int;
enum class DocumentGranularity : int;
enum class ErrorCode : int;
enum class IndexType : int;
enum class LogLevel : int;
enum class MergeInsertWriteMode : int;
enum class ProblemKind : int;
enum class SearchFilter : int;
enum class SourceDuplicates : int;
enum class TextOperator : int;
enum class WhenMatched : int;
enum class WhenNotMatched : int;
enum class WhenNotMatchedBySource : int;
enum class WriteMode : int;

}  // namespace v0
}  // namespace lance
