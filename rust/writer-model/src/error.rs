//! Errors, as far as the code under test makes them.

pub type Result<T> = std::result::Result<T, Error>;

pub mod code {
    pub const INVALID_ARGUMENT: i32 = 1;
    pub const INVALID_STATE: i32 = 2;
    pub const IO: i32 = 19;
    pub const CANCELLED: i32 = 27;
}

#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    pub code: i32,
    pub message: String,
}

impl Error {
    pub fn new(code: i32, message: impl AsRef<str>) -> Self {
        let message = message.as_ref().to_string();
        Self { code, message }
    }

    pub fn invalid_argument(message: impl AsRef<str>) -> Self {
        Self::new(code::INVALID_ARGUMENT, message)
    }

    pub fn invalid_state(message: impl AsRef<str>) -> Self {
        Self::new(code::INVALID_STATE, message)
    }
}
