/// What is added to the completion script for bash, which splits words at colons and `=`.
///
/// The parser's script would not know `ubuntu:22`, nor `--output oci:` and `--store=`, for one word
/// and the value of an option. So words are put together before it, and what bash keeps to itself
/// is cut off its answer.
enum BashWords {
  static let script = #"""

    _cairn_whole_words() {
        local -ar given=("${COMP_WORDS[@]:0:COMP_CWORD + 1}")
        local -a COMP_WORDS=("${given[0]}")
        local -i COMP_CWORD
        local word last kept='' glued=false
        for word in "${given[@]:1}"; do
            last="${COMP_WORDS[${#COMP_WORDS[@]} - 1]}"
            if [[ "${word}" = '=' && "${last}" = --* ]]; then
                # What follows is the option's value, as it would be behind a space.
                COMP_WORDS+=('')
                kept='' glued=true
            elif [[ "${word}" =~ ^:+$ ]] || "${glued}"; then
                [[ "${word}" =~ ^:+$ ]] && kept="${last}${word}" glued=true || { kept="${last}"; glued=false; }
                COMP_WORDS[${#COMP_WORDS[@]} - 1]="${last}${word}"
            else
                COMP_WORDS+=("${word}")
                kept='' glued=false
            fi
        done
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))

        _cairn "${1}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"

        # A reply that is no file needs no quotation marks, and one that goes on no space.
        [[ ! -e "${COMPREPLY[0]}" ]] && compopt +o filenames 2>/dev/null
        [[ "${#COMPREPLY[@]}" -eq 1 && "${COMPREPLY[0]}" = *[:/] ]] && compopt -o nospace 2>/dev/null
        COMPREPLY=("${COMPREPLY[@]#"${kept}"}")
    }
    complete -o filenames -F _cairn_whole_words cairn
    """#
}
