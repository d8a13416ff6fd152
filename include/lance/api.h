/// \file api.h
/// The whole public interface of lance-cpp.
#pragma once

#include "lance/dataset.h"
#include "lance/lance_writer.h"
#include "lance/maintenance.h"
#include "lance/options.h"
#include "lance/runtime.h"
#include "lance/scanner.h"
#include "lance/status.h"
#include "lance/transaction.h"
#include "lance/version.h"
