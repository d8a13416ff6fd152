//! What a check has found, as the caller reads it.

use std::ffi::{CString, c_char};

use crate::params::{List, Versioned};

/// The kinds of the header. Values are frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum ProblemKind {
    MissingFile = 1,
    WrongSize = 2,
    UnreadableManifest = 3,
    UnreadableFile = 4,
    RowCount = 5,
    UndecodableData = 6,
    BrokenReference = 7,
}

#[derive(Debug)]
pub struct Problem {
    pub kind: ProblemKind,
    pub version: u64,
    pub path: String,
    pub message: String,
}

/// Mirrors `LanceCheckSummary`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LanceCheckSummary {
    pub struct_size: usize,
    pub problems: u64,
    pub manifests: u64,
    pub versions: u64,
    pub data_files: u64,
    pub deletion_files: u64,
    pub index_files: u64,
    pub rows: u64,
    pub bytes: u64,
    pub missing_transactions: u64,
    pub orphans: u64,
    pub orphan_bytes: u64,
    pub temporary_files: u64,
    pub temporary_bytes: u64,
}

// SAFETY: repr(C), begins with struct_size, plain integers.
unsafe impl Versioned for LanceCheckSummary {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        problems: 0,
        manifests: 0,
        versions: 0,
        data_files: 0,
        deletion_files: 0,
        index_files: 0,
        rows: 0,
        bytes: 0,
        missing_transactions: 0,
        orphans: 0,
        orphan_bytes: 0,
        temporary_files: 0,
        temporary_bytes: 0,
    };
}

/// Mirrors `LanceCheckProblem`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceCheckProblem {
    pub struct_size: usize,
    pub version: u64,
    pub path: *const c_char,
    pub message: *const c_char,
    pub kind: i32,
    pub reserved: i32,
}

// SAFETY: repr(C), begins with struct_size, integers and pointers.
unsafe impl Versioned for LanceCheckProblem {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        version: 0,
        path: std::ptr::null(),
        message: std::ptr::null(),
        kind: 0,
        reserved: 0,
    };
}

/// Everything a check has found.
#[derive(Debug)]
pub struct Findings {
    pub summary: LanceCheckSummary,
    pub problems: Vec<Problem>,
}

/// The problems as a list, with the memory that their texts point into.
pub struct LanceCheckReport {
    pub summary: LanceCheckSummary,
    pub problems: List<LanceCheckProblem>,
    _texts: Vec<[CString; 2]>,
}

impl LanceCheckReport {
    /// Give a report away.
    ///
    /// # Safety
    /// `out` is NULL or valid for writing one pointer.
    pub unsafe fn give(findings: Findings, out: *mut *mut Self) -> crate::error::Result<()> {
        let text = |text: String| CString::new(text.replace('\0', "")).unwrap_or_default();
        let mut texts = Vec::with_capacity(findings.problems.len());
        let mut problems = Vec::with_capacity(findings.problems.len());
        for problem in findings.problems {
            let [path, message] = [problem.path, problem.message].map(text);
            problems.push(LanceCheckProblem {
                version: problem.version,
                path: path.as_ptr(),
                message: message.as_ptr(),
                kind: problem.kind as i32,
                ..LanceCheckProblem::INIT
            });
            texts.push([path, message]);
        }
        let summary = findings.summary;
        // SAFETY: forwarded contract.
        unsafe {
            List::give(problems, out, |problems| Self {
                summary,
                problems,
                _texts: texts,
            })
        }
    }
}
