//! A directory from a CSV file (RFC 4180: quotes, doubled quotes, line breaks inside quotes).

use std::collections::HashMap;

use protocol::presence::PersonId;
use protocol::secret::Secret;
use thiserror::Error;

use super::directory::Person;

const HEADER: [&str; 5] = ["id", "short_name", "display_name", "mail", "password"];

/// Why a directory file is not taken. Never shows a password.
#[derive(Debug, Error)]
pub enum CsvError {
    /// The file cannot be read.
    #[error("{file}: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The first line is something else.
    #[error("{file}, line 1: the first line must be id,short_name,display_name,mail,password")]
    Header {
        /// The file.
        file: String,
    },
    /// A line has not five fields.
    #[error("{file}, line {line}: {found} fields instead of 5")]
    Fields {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// How many fields it has.
        found: usize,
    },
    /// A quote is never closed, or text follows a closing quote.
    #[error("{file}, line {line}: the quotes do not match")]
    Quotes {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// A field that everybody needs is empty.
    #[error("{file}, line {line}: {field} is empty")]
    Empty {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The name of the field.
        field: &'static str,
    },
    /// An id occurs twice.
    #[error("{file}, line {line}: the id {id} is already on line {first}")]
    Twice {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The id.
        id: String,
        /// Where it was seen first.
        first: usize,
    },
}

/// The people of a CSV text. Empty lines are skipped.
pub(super) fn people(file: &str, text: &str) -> Result<Vec<Person>, CsvError> {
    let mut records = records(file, text.strip_prefix('\u{feff}').unwrap_or(text))?.into_iter();
    if records.next().is_none_or(|(_, fields)| fields != HEADER) {
        return Err(CsvError::Header { file: file.into() });
    }
    let mut people = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (line, fields) in records {
        let found = fields.len();
        let Ok([id, short_name, display_name, mail, password]) = <[String; 5]>::try_from(fields) else {
            return Err(CsvError::Fields { file: file.into(), line, found });
        };
        for (field, value) in [("id", &id), ("display_name", &display_name)] {
            if value.is_empty() {
                return Err(CsvError::Empty { file: file.into(), line, field });
            }
        }
        if let Some(first) = seen.insert(id.clone(), line) {
            return Err(CsvError::Twice { file: file.into(), line, id, first });
        }
        people.push(Person {
            id: PersonId::from(id),
            short_name,
            display_name: display_name.into(),
            mail,
            password: Secret::from(password.as_str()),
            home: None,
        });
    }
    Ok(people)
}

/// Records with the line each starts on.
fn records(file: &str, text: &str) -> Result<Vec<(usize, Vec<String>)>, CsvError> {
    let mut records = Vec::new();
    let mut input = text.chars().peekable();
    let mut line = 1;
    while input.peek().is_some() {
        let start = line;
        let mut fields = Vec::new();
        loop {
            let mut field = String::new();
            if input.next_if_eq(&'"').is_some() {
                loop {
                    match input.next() {
                        Some('"') if input.next_if_eq(&'"').is_some() => field.push('"'),
                        Some('"') => break,
                        Some(other) => {
                            line += usize::from(other == '\n');
                            field.push(other);
                        }
                        None => return Err(CsvError::Quotes { file: file.into(), line: start }),
                    }
                }
            } else {
                while let Some(other) = input.next_if(|c| !matches!(c, ',' | '\n' | '\r')) {
                    field.push(other);
                }
            }
            fields.push(field);
            input.next_if_eq(&'\r');
            match input.next() {
                Some(',') => {}
                Some('\n') | None => break,
                Some(_) => return Err(CsvError::Quotes { file: file.into(), line }),
            }
        }
        line += 1;
        if fields.len() > 1 || fields.iter().any(|field| !field.is_empty()) {
            records.push((start, fields));
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Person>, String> {
        people("staff.csv", &format!("id,short_name,display_name,mail,password\n{text}"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn people_are_read_with_quotes_and_line_ends_of_any_kind() {
        let people =
            read("CN=Zoë/O=R,zoe,\"Núñez, \"\"Zoë\"\"\",z@r.example,\"a,b\"\r\n\nCN=B/O=R,,B,,x").unwrap();
        assert_eq!(people.len(), 2);
        assert_eq!(&*people[0].display_name, "Núñez, \"Zoë\"");
        assert_eq!(people[0].password.expose(), b"a,b");
        assert_eq!(people[1].id.as_str(), "CN=B/O=R");
    }

    #[test]
    fn errors_name_the_file_and_the_line() {
        assert_eq!(read("a,b,c,d,e\nf,g").unwrap_err(), "staff.csv, line 3: 2 fields instead of 5");
        assert_eq!(read("\"a\nb\",b,c,d,e\n,b,c,d,e").unwrap_err(), "staff.csv, line 4: id is empty");
        assert_eq!(read("a,\"b").unwrap_err(), "staff.csv, line 2: the quotes do not match");
        assert_eq!(read("a,\"b\"c,d,e,f").unwrap_err(), "staff.csv, line 2: the quotes do not match");
        assert_eq!(
            read("a,,c,,\nb,,c,,\na,,c,,").unwrap_err(),
            "staff.csv, line 4: the id a is already on line 2"
        );
        let error = people("staff.csv", "name,password\n").unwrap_err().to_string();
        assert!(error.starts_with("staff.csv, line 1:"), "{error}");
    }
}
