# bash completion for liandong(1)
_liandong() {
  local cur prev words cword
  _init_completion 2>/dev/null || {
    cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
  }
  local common='--endpoint --as --keys --timeout --json --lang --help'
  local -A sub=(
    [duty]='matrix list acknowledge accept decline progress done ask-help'
    [notice]='list cap contact sent seen acknowledge repeat correct' [cap]='check take' [supply]='stock batches requests why movements owed donations reserves page count act' [log]='stat verify repair export head key archive restore hold'
    [plan]='check show adopt list diff' [route]='test'
    [outbox]='list send retry drop rebind' [keys]='new show enrol revoke rotate list check'
  )
  local orders='--unit --group --level --state --incident --area --open --overdue --db'
  local answers='--all --incident --reason --help-from --person --exercise'
  local -A options=(
    [status]=$orders [top]='--once --sort' [replay]='--show --complete --to --speed --world'
    [whatif]='--plan --until --drop --add --world --html' [story]='--log --incident --all' [explain]='--log --at' [account]='--log --html'
    [report]='--area --kind --means --measure --sign --lift --place --occurred --received --id
              --revises --narrative --channel --outbox --exercise'
    [bulletin]='--area --english --link --from --to --entry --outbox --exercise'
    [decide]='--area --warning --against --opinion --filed-with --person --at --amends --outbox --exercise'
    [tail]='--from --since --until-head --count'
    [sim]='--events --quiet --start --log' [play]='--external-replies --events --quiet --start'
    [duty]="$orders --by" [duty matrix]="$orders --by" [duty list]="$orders --everybody"
    [duty delivered]=$answers [duty acknowledge]=$answers [duty accept]=$answers [duty decline]=$answers
    [duty progress]=$answers [duty done]=$answers [duty ask-help]=$answers [duty problem]=$answers
    [notice list]='--audience --incident --log' [notice cap]='--log'
    [notice contact]='--to --supervisor --exercise' [notice sent]='--audience --log'
    [notice seen]='--person' [notice acknowledge]='--person' [notice repeat]='--person'
    [notice correct]='--text --english --person' [cap check]='' [cap take]='--rules --area --reply --exercise'
    [supply stock]='--item --unit --incident --log --db --html' [supply batches]='--item --unit --incident --log --db --html'
    [supply requests]='--item --unit --incident --log --db --html' [supply movements]='--item --unit --incident --log --db --html'
    [supply owed]='--item --unit --incident --log --db --html' [supply donations]='--item --unit --incident --log --db --html'
    [supply reserves]='--item --unit --incident --log --db --html' [supply page]='--item --unit --incident --log --db --html'
    [supply why]='--requester --log' [supply count]='--area --id --incident --check --log --exercise'
    [supply act]='--from --to --request --area --reason --requester --amount --donor --proof --needed-by --id --incident --outbox --exercise'
    [log stat]='' [log verify]='--head --key --archive' [log repair]='--yes' [log export]='--from'
    [log head]='--key --at' [log key]='' [log archive]='--to --before --keep --keep-days --needed-from --state'
    [log restore]='--from --since' [log hold]='--from --to --reason --by --list --release'
    [plan check]='' [plan show]='--units --criteria --duties --procedure --clocks'
    [plan adopt]='--exercise' [plan list]='--log' [plan diff]='--log' [route test]=''
    [outbox list]='--refused' [outbox send]='' [outbox retry]='--all' [outbox drop]='--all'
    [outbox rebind]='' [keys new]='--enrol' [keys show]='' [keys enrol]='--until --overlap'
    [keys revoke]='--reason --key' [keys rotate]='--overlap --switch' [keys list]='--valid' [keys check]=''
  )
  local command=${words[1]:-} key
  if [ "$cword" -eq 1 ]; then
    COMPREPLY=($(compgen -W 'status top report bulletin decide duty notice cap supply outbox keys tail story explain account sim play replay whatif log
      plan route --help' -- "$cur"))
    return
  fi
  if [ "$cword" -eq 2 ] && [ -n "${sub[$command]:-}" ]; then
    COMPREPLY=($(compgen -W "${sub[$command]} --help" -- "$cur"))
    return
  fi
  case $prev in
    --sort | -s) [ "$command" = top ] && COMPREPLY=($(compgen -W 'lag name rate' -- "$cur")); return ;;
    --speed) COMPREPLY=($(compgen -W 'original x60 max step' -- "$cur")); return ;;
    --world) COMPREPLY=($(compgen -W 'actual exercise' -- "$cur")); return ;;
    --lang | -l) COMPREPLY=($(compgen -W 'zh en' -- "$cur")); return ;;
    --kind | -k) COMPREPLY=($(compgen -W 'initial progress final zero' -- "$cur")); return ;;
    --means) COMPREPLY=($(compgen -W 'telephone written network' -- "$cur")); return ;;
    --log | -L | --keys) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    --outbox | --html | --db | --add | --plan) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --by | -b) COMPREPLY=($(compgen -W 'state level' -- "$cur")); return ;;
    --level | -L) COMPREPLY=($(compgen -W 'I II III IV' -- "$cur")); return ;;
    --state | -S) COMPREPLY=($(compgen -W 'issued delivered acknowledged accepted declined in-progress done
      overdue escalated superseded withdrawn' -- "$cur")); return ;;
  esac
  key=$command
  [ -n "${sub[$command]:-}" ] && [[ ${words[2]} != -* ]] && key="$command ${words[2]}"
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "${options[$key]:-} $common" -- "$cur"))
  elif [ "$command" = decide ]; then
    COMPREPLY=($(compgen -W 'propose assess decide approve file order designate suggest verify sign issue inform I II III IV none' \
      -- "$cur"))
  elif [ "$command" = bulletin ]; then
    COMPREPLY=($(compgen -W 'assessment map press meeting summary evaluation notice' -- "$cur"))
  elif [ "$key" = 'supply act' ] && [ "$cword" -eq 3 ]; then
    COMPREPLY=($(compgen -W 'stock-take request commit decline dispatch receive return requisition' \
      -- "$cur"))
  else
    case $key in
      sim | play | plan*) COMPREPLY=($(compgen -f -X '!*.yaml' -- "$cur") $(compgen -d -- "$cur")) ;;
      outbox*) COMPREPLY=($(compgen -f -- "$cur")) ;;
      replay | whatif | log*) COMPREPLY=($(compgen -d -- "$cur")) ;;
    esac
  fi
}
complete -o filenames -F _liandong liandong
