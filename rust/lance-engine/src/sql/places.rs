//! Where the words of a text are, for messages.

use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

/// Words, and where they are.
pub struct Places {
    words: Vec<TokenWithSpan>,
    end: Location,
}

impl Places {
    pub fn of_tokens(tokens: &[TokenWithSpan]) -> Self {
        let is_word =
            |token: &&TokenWithSpan| matches!(token.token, Token::Word(_) | Token::Placeholder(_));
        let is_said = |token: &&TokenWithSpan| !matches!(token.token, Token::Whitespace(_));
        let last = tokens.iter().rfind(is_said);
        Self {
            words: tokens.iter().filter(is_word).cloned().collect(),
            end: last.map_or(Location::of(1, 1), |token| token.span.end),
        }
    }

    /// Behind the last token.
    pub fn end(&self) -> Location {
        self.end
    }

    /// The verb of a statement.
    pub fn first_word(&self) -> Option<String> {
        self.words.first().map(|token| token.to_string())
    }

    /// The first place of a name, in whatever case.
    pub fn of(&self, name: &str) -> Option<Location> {
        self.first(
            |token| matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case(name)),
        )
    }

    /// The first place of a parameter, such as `$1`.
    pub fn of_parameter(&self, name: &str) -> Option<Location> {
        self.first(|token| matches!(token, Token::Placeholder(parameter) if parameter == name))
    }

    fn first(&self, is_it: impl Fn(&Token) -> bool) -> Option<Location> {
        let found = self.words.iter().find(|token| is_it(&token.token));
        found.map(|token| token.span.start)
    }
}
