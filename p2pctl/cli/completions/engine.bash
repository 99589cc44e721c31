# Names come from sysfs and configfs, read by the shell itself. They are data: nothing here evaluates them, and those
# with control characters are not offered. Needs bash 4.4.

_p2pctl() {
    local - IFS=$' \t\n'
    set +o nounset +o noglob
    local failglob=${BASHOPTS//*failglob*/yes}
    [[ $failglob == yes ]] && shopt -u failglob
    COMPREPLY=()
    _p2pctl_complete "${COMP_LINE:0:COMP_POINT}"
    [[ $failglob == yes ]] && shopt -s failglob
    return 0
}

# The line up to the cursor: goes down the commands, then offers what the last word can become.
_p2pctl_complete() {
    local words=() quote='' skip=0
    _p2pctl_split "$1"
    local current=${words[${#words[@]} - 1]} root='' elsewhere='' literal='' path='' given=' ' subject='' option=''
    local commands=() arguments=() options=() shared=() positionals=() count=${#words[@]} i word
    _p2pctl_table ''
    for ((i = 1; i < count - 1; i++)); do
        word=${words[i]}
        if [[ -n $option ]]; then
            _p2pctl_source "$option" "$word"
            option=''
        elif [[ -z $literal && $word == -- ]]; then
            literal=yes
        elif [[ -z $literal && $word == --*=* ]]; then
            given+="${word%%=*} "
            _p2pctl_source "${word%%=*}" "${word#*=}"
        elif [[ -z $literal && $word == -?* ]]; then
            given+="$word "
            _p2pctl_source "$word" ''
            if _p2pctl_takes "$word"; then
                option=$word
            fi
        elif ((${#commands[@]})); then
            path+=${path:+ }$word
            _p2pctl_table "$path" || return
        else
            positionals+=("$word")
        fi
    done

    if [[ -n $option ]]; then
        _p2pctl_takes "$option" && _p2pctl_offer '' "$subject"
    elif [[ -z $literal && $current == --*=* ]]; then
        _p2pctl_takes "${current%%=*}" && _p2pctl_offer "${current%%=*}=" "$subject"
    elif [[ -z $literal && $current == -* ]]; then
        _p2pctl_options
    elif ((${#commands[@]})); then
        for word in "${commands[@]}"; do _p2pctl_add "$word"; done
    else
        _p2pctl_positional
    fi
}

# Splits $1 into words as the shell would, without running anything. Sets words, the quote that the last one is in, and
# how many of its characters lie before what readline will replace: it breaks words at : and =, too.
_p2pctl_split() {
    local line=$1 char word='' begun='' i
    for ((i = 0; i < ${#line}; i++)); do
        char=${line:i:1}
        if [[ $quote == "'" && $char != "'" ]]; then
            word+=$char
        elif [[ $char == \\ ]]; then
            ((i++))
            [[ $quote == '"' && ${line:i:1} != [\"\\\$\`] ]] && word+=\\
            word+=${line:i:1} begun=yes
        elif [[ -n $quote && $char == "$quote" ]]; then
            quote=''
        elif [[ -n $quote ]]; then
            word+=$char
        elif [[ $char == [\'\"] ]]; then
            quote=$char begun=yes skip=${#word}
        elif [[ $char == [[:space:]] ]]; then
            [[ -n $begun ]] && words+=("$word")
            word='' begun='' skip=0
        else
            word+=$char begun=yes
            [[ $char == [:=] && ${COMP_WORDBREAKS-} == *"$char"* ]] && skip=${#word}
        fi
    done
    words+=("$word")
}

# Notes where names come from: another directory, or a place that a shell cannot look into.
_p2pctl_source() {
    case $1 in
    --demo | --capture) elsewhere=yes ;;
    --sysroot)
        root=${2%/}
        [[ $root == '~' || $root == '~/'* ]] && root=$HOME${root#'~'}
        ;;
    esac
}

# Sets subject to what the option $1 takes; fails where it takes nothing.
_p2pctl_takes() {
    local one
    for one in "${options[@]}" "${shared[@]}"; do
        if [[ $one == "$1="* ]]; then
            subject=${one#*=}
            subject=${subject%+}
            return 0
        fi
    done
    return 1
}

_p2pctl_options() {
    local one name
    for one in "${options[@]}" "${shared[@]}"; do
        name=${one%%=*}
        [[ $given == *" ${name%+} "* && $one != *+ ]] || _p2pctl_add "${name%+}"
    done
}

_p2pctl_positional() {
    local last=$((${#arguments[@]} - 1)) place=${#positionals[@]}
    if ((place > last)) && ((last >= 0)) && [[ ${arguments[last]} == *+ ]]; then
        place=$last
    fi
    if ((place <= last)); then
        _p2pctl_offer '' "${arguments[place]%+}"
    elif [[ -z $current ]]; then
        _p2pctl_options
    fi
}

# Offers what a subject can be, behind a prefix such as --port= that belongs to the same word.
_p2pctl_offer() {
    local prefix=$1 subject=$2 above=${positionals[0]-} kernel target
    kernel=$root/sys target=$root/sys/kernel/config/nvmet
    [[ $above == */* || $above == .* ]] && above=''
    case $subject in
    choice:*)
        local IFS=, word
        for word in ${subject#choice:}; do _p2pctl_add "$prefix$word"; done
        ;;
    attributes:*) _p2pctl_attributes "${subject#attributes:}" ;;
    file) compopt -o default 2>/dev/null ;;
    directory) compopt -o dirnames 2>/dev/null ;;
    p2pmem)
        _p2pctl_add "${prefix}auto"
        _p2pctl_add "${prefix}off"
        _p2pctl_names "$kernel"/bus/pci/devices/*/p2pmem
        ;;
    pool) _p2pctl_names "$kernel"/class/nvme/*/device/p2pmem "$kernel"/bus/pci/devices/*/p2pmem ;;
    device)
        if [[ $current == "$prefix"/* ]]; then
            compopt -o default 2>/dev/null
        else
            _p2pctl_names "$kernel"/class/nvme/nvme* "$kernel"/class/infiniband/* "$kernel"/class/net/*/device
            _p2pctl_names "$kernel"/bus/pci/devices/*
        fi
        ;;
    subsystem) _p2pctl_names "$target"/subsystems/* ;;
    host) _p2pctl_names "$target"/hosts/* ;;
    port) _p2pctl_names "$target"/ports/* ;;
    namespace) _p2pctl_names "$target/subsystems/$above"/namespaces/* ;;
    allowed) _p2pctl_names "$target/subsystems/$above"/allowed_hosts/* ;;
    linked) _p2pctl_names "$target/ports/$above"/subsystems/* ;;
    referral) _p2pctl_names "$target/ports/$above"/referrals/* ;;
    ana-group) _p2pctl_names "$target/ports/$above"/ana_groups/* ;;
    transaction) _p2pctl_names "$root"/run/p2pctl/txn/* ;;
    controller) _p2pctl_names "$kernel/kernel/debug/nvmet/$above"/ctrl* ;;
    esac
}

# Offers the last name of each path that exists; of p2pmem and device, the one of the directory that they are in.
_p2pctl_names() {
    local found name none=${#COMPREPLY[@]}
    [[ -n $elsewhere ]] && return
    for found; do
        [[ -e $found || -L $found ]] || continue
        name=${found%/p2pmem}
        name=${name%/device}
        name=${name##*/}
        [[ $found == */ctrl* ]] && name=${name#ctrl}
        _p2pctl_add "$prefix$name"
    done
    # Addresses may leave out the domain 0000, and then look like no name at all.
    if ((${#COMPREPLY[@]} == none)) && [[ ${current#"$prefix"} == [0-9a-f]* ]]; then
        for found; do
            name=${found%/p2pmem}
            [[ $name == */devices/0000:* && -e $found ]] && _p2pctl_add "$prefix${name##*/0000:}"
        done
    fi
}

# Offers KEY= for the attributes of a kind of object that are not given yet, and values for the ones that have a list.
_p2pctl_attributes() {
    local key=${current%%=*} keys=() values=() word
    if [[ $current == *=* ]]; then
        _p2pctl_values "$1" "$key"
        case ${values[0]-} in
        @*) _p2pctl_offer "$key=" "${values[0]#@}" ;;
        *) for word in "${values[@]}"; do _p2pctl_add "$key=$word"; done ;;
        esac
        return
    fi
    _p2pctl_keys "$1"
    local said=" ${positionals[*]%%=*} "
    for word in "${keys[@]}"; do
        [[ $said == *" $word "* ]] || _p2pctl_add "$word="
    done
}

# Adds a word if it continues what is typed, quoted as the line needs it.
_p2pctl_add() {
    [[ $1 == "$current"* && $1 != *[[:cntrl:]]* ]] || return 0
    local word=${1:skip}
    case $quote in
    '') printf -v word %q "$word" ;;
    "'") [[ $word == *\'* ]] && return 0 ;;
    '"') [[ $word == *[\"\\\$\`!]* ]] && return 0 ;;
    esac
    COMPREPLY+=("$word")
    [[ $1 == *[=:] ]] && compopt -o nospace 2>/dev/null
    return 0
}
