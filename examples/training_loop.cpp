// Trains on a Lance dataset: rows in a new random order in each epoch, columns as tensors without a copy, and
// a state with which another process goes on in the middle of an epoch. usage: training_loop URI
#include <cmath>
#include <iostream>
#include <optional>
#include <random>
#include <vector>

#include "arrow/api.h"
#include "arrow/c/dlpack_abi.h"
#include "lance/api.h"

constexpr int kFeatures = 8;
constexpr uint64_t kEpochs = 4;
using Weights = std::vector<double>;

const Weights kTruth = {0.5, -1, 2, 0.25, -0.75, 1.5, -2, 1};

/// Vectors, and for each the number that the weights are to find.
arrow::Status WriteSamples(const std::string& uri) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  const auto values = std::make_shared<arrow::FloatBuilder>();
  arrow::FixedSizeListBuilder vectors(arrow::default_memory_pool(), values, kFeatures);
  arrow::FloatBuilder targets;
  for (int row = 0; row < 2'000; ++row) {
    ARROW_RETURN_NOT_OK(vectors.Append());
    double target = 0;
    for (const double weight : kTruth) {
      const float value = uniform(random);
      ARROW_RETURN_NOT_OK(values->Append(value));
      target += weight * value;
    }
    ARROW_RETURN_NOT_OK(targets.Append(static_cast<float>(target)));
  }
  ARROW_ASSIGN_OR_RAISE(const auto vector_array, vectors.Finish());
  ARROW_ASSIGN_OR_RAISE(const auto target_array, targets.Finish());
  const auto schema =
      arrow::schema({arrow::field("vector", vector_array->type()), arrow::field("target", arrow::float32())});
  ARROW_ASSIGN_OR_RAISE(auto writer,
                        lance::LanceWriter::Open(uri, schema, {.mode = lance::WriteMode::kOverwrite}));
  ARROW_RETURN_NOT_OK(writer->Write(*arrow::RecordBatch::Make(schema, 2'000, {vector_array, target_array})));
  return writer->Finish().status();
}

/// One step of gradient descent. A framework would be given `tensor.release()`, and delete it itself.
arrow::Status Step(const arrow::RecordBatch& batch, Weights* weights) {
  ARROW_ASSIGN_OR_RAISE(const auto vectors, lance::ToDLPack(batch, "vector"));
  ARROW_ASSIGN_OR_RAISE(const auto targets, lance::ToDLPack(batch, "target"));
  const DLTensor& x = vectors->dl_tensor;
  const auto* const inputs = static_cast<const float*>(x.data);
  const auto* const outputs = static_cast<const float*>(targets->dl_tensor.data);
  Weights gradient(weights->size());
  for (int64_t row = 0; row < x.shape[0]; ++row) {
    const float* const input = inputs + row * x.strides[0];
    double error = -outputs[row];
    for (int64_t i = 0; i < x.shape[1]; ++i) error += (*weights)[i] * input[i];
    for (int64_t i = 0; i < x.shape[1]; ++i) gradient[i] += error * input[i];
  }
  for (size_t i = 0; i < gradient.size(); ++i) (*weights)[i] -= gradient[i] / static_cast<double>(x.shape[0]);
  return arrow::Status::OK();
}

/// Train from where the reader is to the end of all epochs, or for so many batches. Returns a state to go on
/// from.
arrow::Result<std::string> Train(std::shared_ptr<lance::ShuffledReader> reader, std::optional<int> batches,
                                 Weights* weights) {
  for (;;) {
    for (;;) {
      if (batches && (*batches)-- == 0) return reader->State();
      ARROW_ASSIGN_OR_RAISE(const auto batch, reader->Next());
      if (batch == nullptr) break;
      ARROW_RETURN_NOT_OK(Step(*batch, weights));
    }
    const uint64_t next = reader->position().epoch + 1;
    if (next == kEpochs) return reader->State();
    ARROW_ASSIGN_OR_RAISE(reader, reader->shuffler()->ToReader(next));
  }
}

arrow::Status Run(const std::string& uri) {
  ARROW_RETURN_NOT_OK(WriteSamples(uri));
  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(uri));
  // With several workers, each has its own shard_index of as many shards.
  ARROW_ASSIGN_OR_RAISE(const auto shuffler,
                        dataset->Shuffle({.filter = "target is not null", .seed = 7, .batch_size = 32}));
  Weights weights(kFeatures);
  ARROW_ASSIGN_OR_RAISE(auto reader, shuffler->ToReader(0));
  ARROW_RETURN_NOT_OK(Train(reader, std::nullopt, &weights).status());

  // The same, with a break in the middle of the second epoch.
  Weights broken(kFeatures);
  ARROW_ASSIGN_OR_RAISE(reader, shuffler->ToReader(0));
  ARROW_ASSIGN_OR_RAISE(const std::string state, Train(reader, 100, &broken));
  ARROW_ASSIGN_OR_RAISE(reader, lance::Shuffler::Resume(state));
  ARROW_RETURN_NOT_OK(Train(reader, std::nullopt, &broken).status());
  if (weights != broken) return arrow::Status::Invalid("the break has changed the result");

  for (int i = 0; i < kFeatures; ++i) {
    std::cout << weights[i] << (i + 1 < kFeatures ? ' ' : '\n');
    if (std::abs(weights[i] - kTruth[i]) > 0.01) return arrow::Status::Invalid("the weights are not found");
  }
  return arrow::Status::OK();
}

int main(int argc, char** argv) {
  const arrow::Status status = Run(argc > 1 ? argv[1] : "memory://training");
  if (!status.ok()) std::cerr << status.ToString() << std::endl;
  return status.ok() ? 0 : 1;
}
