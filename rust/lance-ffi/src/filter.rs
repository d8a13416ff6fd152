//! SQL filters that would end the process: the engine parses, plans and evaluates them by recursion, without a
//! limit of its own, on threads whose stack is small.

use std::ffi::c_char;

use lance::deps::datafusion::sql::sqlparser::dialect::Dialect;
use lance::deps::datafusion::sql::sqlparser::keywords::Keyword;
use lance::deps::datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{LanceError, Result};
use crate::params::optional_str;

/// The most words of a chain like `a + b + c`, which is as deep as it is long. Twice as many are too many.
const LONGEST_CHAIN: usize = 300;

/// The most parentheses within each other. At 50 the parser gives up, in some cases after it has tried all
/// combinations of what each of them might be.
const DEEPEST_NESTING: usize = 40;

/// The most conditions, which AND and OR join. Three times as many are too many.
const MOST_CONDITIONS: usize = 20_000;

/// A filter that may be NULL, if the engine can take it.
///
/// # Safety
/// As `optional_str`.
pub unsafe fn optional_filter(filter: *const c_char, what: &str) -> Result<Option<String>> {
    // SAFETY: forwarded contract.
    let filter = unsafe { optional_str(filter, what) }?;
    filter.map(check).transpose()?;
    Ok(filter.map(str::to_string))
}

/// The words of a filter as the engine sees them.
#[derive(Debug)]
struct Words;

impl Dialect for Words {
    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || matches!(c, '_' | '#' | '@')
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_alphanumeric() || matches!(c, '_' | '#' | '@' | '$')
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '`'
    }
}

/// What is open: everything, something in brackets, or a CASE.
#[derive(Default)]
struct Level {
    is_case: bool,
    /// The next AND belongs to a BETWEEN.
    between: bool,
    /// Of the part since the last AND, OR, comma or the like: its own words, and the depth of what it contains.
    words: usize,
    below: usize,
    /// Of the deepest part before.
    deepest: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.deepest.max(self.words + self.below)
    }

    fn begin_part(&mut self) {
        *self = Self {
            is_case: self.is_case,
            deepest: self.depth(),
            ..Self::default()
        };
    }
}

fn check(filter: &str) -> Result<()> {
    let Ok(tokens) = Tokenizer::new(&Words, filter).tokenize() else {
        return Ok(()); // The engine says what is wrong.
    };
    let mut outer = Vec::new();
    let mut level = Level::default();
    let mut conditions = 0;
    for token in &tokens {
        let keyword = match token {
            Token::Whitespace(_) => continue,
            Token::Placeholder(name) => {
                return Err(LanceError::invalid_argument(format!(
                    "the filter has the placeholder {name}: write a value in its place"
                )));
            }
            Token::Word(word) => word.keyword,
            _ => Keyword::NoKeyword,
        };
        let (opens, closes) = match (token, keyword) {
            (Token::LParen | Token::LBracket | Token::LBrace, _) | (_, Keyword::CASE) => {
                (true, false)
            }
            (Token::RParen | Token::RBracket | Token::RBrace, _) => (false, !level.is_case),
            (_, Keyword::END) => (false, level.is_case),
            _ => (false, false),
        };
        let joins = matches!(keyword, Keyword::OR | Keyword::XOR)
            || keyword == Keyword::AND && !level.between;
        let branches =
            level.is_case && matches!(keyword, Keyword::WHEN | Keyword::THEN | Keyword::ELSE);
        conditions += usize::from(joins);
        if joins || branches || *token == Token::Comma {
            level.begin_part();
        } else if closes && !outer.is_empty() {
            let inner = std::mem::replace(&mut level, outer.pop().unwrap_or_default());
            level.below = level.below.max(inner.depth());
        } else {
            level.words += 1;
            level.between = match keyword {
                Keyword::BETWEEN => true,
                Keyword::AND => false,
                _ => level.between,
            };
        }
        if opens {
            let is_case = keyword == Keyword::CASE;
            outer.push(std::mem::replace(
                &mut level,
                Level {
                    is_case,
                    ..Level::default()
                },
            ));
        }
        if level.words + level.below > LONGEST_CHAIN {
            return Err(LanceError::invalid_argument(format!(
                "the filter has a chain of more than {LONGEST_CHAIN} operators and operands: put parts of it in parentheses"
            )));
        }
        if outer.len() > DEEPEST_NESTING {
            return Err(LanceError::invalid_argument(format!(
                "the filter has more than {DEEPEST_NESTING} parentheses within each other"
            )));
        }
        if conditions > MOST_CONDITIONS {
            return Err(LanceError::invalid_argument(format!(
                "the filter has more than {MOST_CONDITIONS} conditions: use IN for a list of values"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeat(begin: &str, part: &str, end: &str, times: usize) -> String {
        format!("{begin}{}{end}", part.repeat(times))
    }

    #[test]
    fn chains_are_as_deep_as_they_are_long() {
        for part in [
            " + 1",
            "*id",
            " = 1",
            " || 'a'",
            " is null",
            "::int",
            "[1]",
            " between 1 and 2",
            " like 'a'",
            " in (1, 2)",
            " + (1)",
            " + case when id then 1 else 2 end",
            " is not distinct from id",
        ] {
            assert!(check(&repeat("id", part, "", 10)).is_ok(), "{part}");
            let error = check(&repeat("id", part, "", 400)).expect_err(part);
            assert!(error.message().contains("parentheses"), "{error}");
        }
    }

    #[test]
    fn a_chain_goes_on_behind_and_around_parentheses() {
        let half = repeat("id", " + 1", "", 100);
        let both = format!("({half}) + {half}");
        assert!(check(&format!("({half}) = 1 and ({half}) = 1")).is_ok());
        assert!(check(&both).is_err());
        assert!(check(&format!("{half} + ({half})")).is_err());
        assert!(check(&format!("abs({both}) = 1")).is_err());
    }

    #[test]
    fn nesting_is_bounded() {
        for (begin, end) in [
            ("(", ")"),
            ("abs(", ")"),
            ("case when true then ", " end"),
            ("[", "]"),
        ] {
            let nested = |n: usize| format!("{}1{}", begin.repeat(n), end.repeat(n));
            assert!(check(&nested(30)).is_ok(), "{begin}");
            assert!(check(&nested(60)).is_err(), "{begin}");
        }
    }

    #[test]
    fn long_lists_and_many_conditions_pass() {
        let many = [
            repeat("id = 1", " or id = 2", "", 10_000),
            repeat("id = 1", " and id between 1 and 2", "", 10_000),
            repeat("id in (1", ", 2", ")", 100_000),
            repeat("id = case", " when id = 1 then 2", " else 3 end", 1000),
            "'".to_string() + &"+1".repeat(10_000) + "' = name",
            "`a+b` = 1".to_string(),
        ];
        for filter in many {
            assert!(check(&filter).is_ok(), "{}", &filter[..20]);
        }
        assert!(check(&repeat("id = 1", " or id = 2", "", 30_000)).is_err());
    }

    #[test]
    fn a_placeholder_is_named() {
        for filter in ["id = ?", "id = $1"] {
            let error = check(filter).expect_err(filter);
            assert!(error.message().contains("placeholder"), "{error}");
        }
    }

    #[test]
    fn what_is_no_sql_is_left_to_the_engine() {
        for filter in ["", ")", "end", "'", "id = 'a", "]]) and end"] {
            assert!(check(filter).is_ok(), "{filter}");
        }
    }
}
