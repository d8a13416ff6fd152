/// \file type_fwd.h
/// Forward declarations of the public types.
#pragma once

namespace lance {
inline namespace v0 {

class Dataset;
class LanceStatusDetail;
class LanceWriter;
class Scanner;
class StorageOptions;
class Transaction;

struct ColumnEncoding;
struct CommitResult;
struct DatasetInfo;
struct FragmentInfo;
struct OpenOptions;
struct RuntimeOptions;
struct ScanOptions;
struct VersionInfo;
struct WriteOptions;
struct WriteStats;

enum class ErrorCode : int;
enum class WriteMode : int;

}  // namespace v0
}  // namespace lance
