//! The command `replform`: hands the arguments to [`replform::cli`] and exits with its code.

fn main() -> std::process::ExitCode {
    replform::cli::run(std::env::args_os()).into()
}
