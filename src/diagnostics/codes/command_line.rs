//! Area 08: the command line and files of the user's machine.

use super::{Code, Entry};

codes! { COMMAND_LINE:
    FILE_ACCESS = 801, "a file or directory couldn't be used",
        "Reading or writing a file of your machine failed; the note says which one and what the operating system answered. Nothing else was changed.";
    OUTPUT = 802, "the result couldn't be written",
        "Standard output couldn't be written, for example because it goes to a full disk. The command's result is incomplete.";
    NO_DIRECTORY = 803, "the directory can't be entered",
        "-chdir names a directory that isn't there or that you may not enter. It is taken relative to where the command was started.";
    NO_SUCH_CODE = 804, "no such error code",
        "replform explain takes the code that stands in brackets in an error's first line, such as RF0107.";
    NOT_A_CONFIGURATION_FILE = 805, "not a file that fmt lays out",
        "fmt lays out *.rf.hcl and *.rfvars files, the files of a directory, or standard input (-). JSON files are left to your JSON tools.";
    NO_TERMINAL = 806, "this needs a terminal",
        "What was asked for paints a screen or asks a question, and standard output goes to a file or another program.";
    OPTIONS = 807, "these options don't go together",
        "An option was given that only has a meaning beside another one; the note says which. Nothing was done.";
}
