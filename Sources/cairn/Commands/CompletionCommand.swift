import ArgumentParser

/// `cairn completion`.
struct CompletionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completion",
    abstract: "Print the script that lets a shell complete cairn's commands, options and values.",
    discussion: """
      Packages install it. By hand, in ~/.bashrc, ~/.zshrc (after compinit) or \
      ~/.config/fish/config.fish:
        source <(cairn completion bash)
        source <(cairn completion zsh)
        cairn completion fish | source
      """)

  /// A shell.
  enum Shell: String, ExpressibleByArgument, CaseIterable {
    case bash, zsh, fish
  }

  @Argument(help: "The shell.")
  var shell: Shell

  func run() {
    switch shell {
    case .bash: print(CairnCommand.completionScript(for: .bash) + BashWords.script)
    case .zsh: print(CairnCommand.completionScript(for: .zsh))
    case .fish: print(CairnCommand.completionScript(for: .fish))
    }
  }
}
