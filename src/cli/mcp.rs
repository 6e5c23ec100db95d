//! `paperkin mcp`

use std::io::IsTerminal;

use clap::Args;

use super::serve::{self, LogFormat};
use super::{Done, Session};
use crate::server;

/// None: the library and the model are said before `mcp`.
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
        serve::log(session, LogFormat::Text);
        if std::io::stdin().is_terminal() {
            session.say("paperkin mcp waits for an assistant's messages; 'paperkin mcp --help' says how to give it one (Ctrl+C ends it)");
        }
        server::mcp_over_stdio(session.config.clone(), serve::loading(session))?;
        Ok(Done::Fully)
    }
}
