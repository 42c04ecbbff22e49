//! `replform console`: works out expressions, one a line.

use std::io::{BufRead, IsTerminal};
use std::sync::Arc;

use clap::Args;

use super::commands::Command;
use super::{Context, Exit, Failure, VariableArguments};
use crate::config::console::answer;
use crate::config::source::Sources;
use crate::config::with_world;
use crate::diagnostics::render_all;

/// Work out expressions of the language, one a line
///
/// Reads from standard input; var.NAME, local.NAME and stack.NAME are those of the configuration.
#[derive(Args, Debug)]
pub struct Console {
    #[command(flatten)]
    pub variables: VariableArguments,
}

impl Command for Console {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let sources = Arc::new(Sources::new(&context.directory));
        let mut diagnostics = Vec::new();
        let inputs = context.inputs(&self.variables);
        let result = with_world(&sources, &inputs, &mut diagnostics, |world| {
            let mut result = Exit::Done;
            let input = std::io::stdin();
            let prompt = input.is_terminal();
            for number in 1.. {
                if prompt {
                    context.streams.talk("> ");
                }
                let mut line = String::new();
                let read = input
                    .lock()
                    .read_line(&mut line)
                    .map_err(|error| Failure::file("reading", "standard input".as_ref(), &error))?;
                let line = line.trim();
                if read == 0 || matches!(line, "exit" | "quit") {
                    break;
                }
                if line.is_empty() {
                    continue;
                }
                match answer(line, number, world, &sources) {
                    Ok(text) => context.streams.data(&format!("{text}\n"))?,
                    Err(problems) => {
                        context.streams.talk(&render_all(
                            &problems,
                            &*sources,
                            context.streams.talk_colour,
                        ));
                        result = if prompt { Exit::Done } else { Exit::Error };
                    }
                }
            }
            Ok(result)
        });
        result.unwrap_or_else(|| {
            Err(Failure::diagnostics(
                crate::config::told(diagnostics),
                sources.clone(),
            ))
        })
    }
}
