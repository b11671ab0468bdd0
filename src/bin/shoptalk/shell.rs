//! `shoptalk completions` and `shoptalk man`: what a shell and its user are given beside the program.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

/// What `shoptalk completions` is given.
#[derive(Args)]
pub struct CompletionsArguments {
    /// For this shell
    shell: Shell,
}

/// What `shoptalk man` is given.
#[derive(Args)]
pub struct ManArguments {
    /// Write a page for every command into this folder, which is there already
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

impl CompletionsArguments {
    /// The script that the shell reads.
    pub fn script<A: CommandFactory>(&self) -> String {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut A::command(), "shoptalk", &mut script);
        String::from_utf8_lossy(&script).into_owned()
    }
}

impl ManArguments {
    /// The page of the program itself, or what was written where.
    ///
    /// # Errors
    /// When a page cannot be written.
    pub fn make<A: CommandFactory>(&self) -> std::io::Result<String> {
        let mut command = A::command();
        command.build();
        let Some(folder) = &self.folder else {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            return Ok(String::from_utf8_lossy(&page).into_owned());
        };
        let written = write_pages(&command, "shoptalk", folder)?;
        Ok(format!("{written} pages are in {}", folder.display()))
    }
}

/// Writes the page of a command and those of the commands below it: `shoptalk-keys-new.1`.
fn write_pages(command: &Command, name: &str, folder: &Path) -> std::io::Result<usize> {
    let mut file = BufWriter::new(std::fs::File::create(folder.join(format!("{name}.1")))?);
    // A page is headed by the name under which it is found.
    clap_mangen::Man::new(command.clone()).title(name.to_owned()).render(&mut file)?;
    file.flush()?;
    let mut written = 1;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
        written += write_pages(below, &format!("{name}-{}", below.get_name()), folder)?;
    }
    Ok(written)
}
