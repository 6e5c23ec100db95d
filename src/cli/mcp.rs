//! `paperkin mcp`

use std::io::IsTerminal;

use clap::Args;

use super::{Done, Session, serve};
use crate::server;

/// Answer an AI assistant, which starts this and asks over standard input (MCP)
///
/// MCP, the Model Context Protocol, gives an assistant four tools over your library: search, related, paper and library. They
/// read what is on this machine and change nothing; papers that another paperkin ingests meanwhile appear within a second or
/// two. It ends when the assistant closes its input. What the assistant is shown, the assistant's maker may see.
#[derive(Debug, Args)]
#[command(after_help = CONFIGURATION)]
pub(super) struct McpArguments {}

const CONFIGURATION: &str = r#"An assistant is told of it in its configuration, in most of them so:

  {
    "mcpServers": {
      "paperkin": {
        "command": "/path/to/paperkin",
        "args": ["--library", "/path/to/library", "mcp"]
      }
    }
  }

Say both paths in full: an assistant starts programs in a folder of its own. --models and --model are said likewise.

An assistant that speaks MCP over HTTP needs none of this: 'paperkin serve' answers it at http://127.0.0.1:7117/mcp"#;

impl McpArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        // Standard output is the protocol's; a stray line on it would end the talk.
        serve::log(session);
        if std::io::stdin().is_terminal() {
            session.say("paperkin mcp waits for an assistant's messages; 'paperkin mcp --help' says how to give it one (Ctrl+C ends it)");
        }
        server::mcp_over_stdio(session.config.clone(), serve::loading(session))?;
        Ok(Done::Fully)
    }
}
