//! The command `replform`: hands the arguments to [`replform::cli`] and exits with its code.

fn main() -> std::process::ExitCode {
    // Before anything else touches OpenSSL: otherwise it cleans up at exit under the feet of threads that still close SSH sessions.
    openssl::init();
    replform::cli::run(std::env::args_os()).into()
}
