//! Every engine that the language knows, a row each: what a configuration must know before any host is asked. Static and
//! pure, so `config` and `topology` may read it; what an engine *does* stands in its folder.

/// What the language knows of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name in `engine = "…"`, and its block's.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its port where none is written.
    pub default_port: u16,
    /// The same, for the language's table.
    pub default_port_text: &'static str,
    /// Who says which member takes writes.
    pub primary: Primary,
}

/// Who says which member takes writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primary {
    /// The page alone.
    Written,
    /// The members elect it: they stand in one stack, an odd number of them has a vote, and an arbiter may be one.
    Elected,
}

/// PostgreSQL.
pub const POSTGRESQL: Description = row("postgresql", "PostgreSQL", "5432", Primary::Written);
/// MySQL.
pub const MYSQL: Description = row("mysql", "MySQL", "3306", Primary::Written);
/// MariaDB.
pub const MARIADB: Description = row("mariadb", "MariaDB", "3306", Primary::Written);
/// Redis and Valkey.
pub const REDIS: Description = row("redis", "Redis", "6379", Primary::Written);
/// MongoDB.
pub const MONGODB: Description = row("mongodb", "MongoDB", "27017", Primary::Elected);

/// All of them; a new one is a row above and its name here.
pub const DESCRIPTIONS: [Description; 5] = [POSTGRESQL, MYSQL, MARIADB, REDIS, MONGODB];

/// Their names, in the same order.
pub const NAMES: [&str; DESCRIPTIONS.len()] = {
    let mut names = [""; DESCRIPTIONS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = DESCRIPTIONS[i].name;
        i += 1;
    }
    names
};

/// The row of the engine of this name.
pub fn description(name: &str) -> Option<&'static Description> {
    const { &DESCRIPTIONS }.iter().find(|row| row.name == name)
}

const fn row(
    name: &'static str,
    title: &'static str,
    port: &'static str,
    primary: Primary,
) -> Description {
    let (digits, mut number, mut i) = (port.as_bytes(), 0, 0);
    while i < digits.len() {
        assert!(digits[i].is_ascii_digit(), "a port is digits");
        number = number * 10 + (digits[i] - b'0') as u16;
        i += 1;
    }
    Description {
        name,
        title,
        default_port: number,
        default_port_text: port,
        primary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_what_its_row_says() {
        for engine in crate::engines::ENGINES {
            let row = description(engine.name()).expect("a row for each engine");
            assert_eq!(row, engine.description());
            assert_eq!(row.default_port.to_string(), row.default_port_text);
        }
    }
}
