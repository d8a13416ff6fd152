/* Compiled with LANCE_FIRST 0 and 1, as C and as C++: lance.h shares its Arrow structs with <arrow/c/abi.h>
 * whichever comes first. */
#if LANCE_FIRST
#include "lance/c/lance.h"
#endif

#include "arrow/c/abi.h"

#if !LANCE_FIRST
#include "lance/c/lance.h"
#endif

struct ArrowArray shared_array;
struct ArrowSchema shared_schema;
struct ArrowArrayStream shared_stream;
struct ArrowDeviceArray shared_device_array;
struct ArrowAsyncDeviceStreamHandler shared_handler;
struct ArrowAsyncProducer shared_producer;
struct ArrowAsyncTask shared_task;
