# Names come from sysfs and configfs, read by the shell itself. They are data: nothing here evaluates them, and those
# with control characters are not offered.

_p2pctl() {
    local curcontext=$curcontext root= elsewhere= i
    # Where names come from: another directory, or a place that a shell cannot look into.
    for ((i = 2; i < CURRENT; i++)); do
        case $words[i] in
        --demo | --capture | --capture=*) elsewhere=yes ;;
        --sysroot) root=${(Q)words[i+1]} ;;
        --sysroot=*) root=${(Q)words[i]#*=} ;;
        esac
    done
    root=${root%/}
    [[ $root == '~' || $root == '~/'* ]] && root=$HOME${root#'~'}
    _p2pctl_command ''
}

# Completes what follows the command $1.
_p2pctl_command() {
    local where=$1 state line ret=1
    local -a below specs
    local -A opt_args
    _p2pctl_table "$where" || return 1
    if ((! $#below)); then
        _arguments -s -S $specs
        return
    fi
    _arguments -C -s -S $specs '(-)1: :->command' '(-)*:: :->rest' && ret=0
    case $state in
    command) _describe -t commands command below && ret=0 ;;
    rest) _p2pctl_command "${where:+$where }${(Q)words[1]}" && ret=0 ;;
    esac
    return ret
}

# Offers what a subject of the kind $1 can be, under the heading $2.
_p2pctl_subject() {
    setopt localoptions nullglob
    local kind=$1 label=$2 above=${(Q)line[1]} kernel=$root/sys expl
    local target=$kernel/kernel/config/nvmet
    local -a found short
    [[ $above == */* || $above == .* ]] && above=
    [[ -n $elsewhere ]] && return 1
    case $kind in
    device)
        if [[ $PREFIX == /* ]]; then
            _files
            return
        fi
        found=($kernel/class/{nvme/nvme,infiniband/}*(:t) $kernel/class/net/*/device(:h:t) $kernel/bus/pci/devices/*(:t))
        ;;
    pool) found=($kernel/class/nvme/*/device/p2pmem(:h:h:t) $kernel/bus/pci/devices/*/p2pmem(:h:t)) ;;
    p2pmem) found=(auto off $kernel/bus/pci/devices/*/p2pmem(:h:t)) ;;
    subsystem) found=($target/subsystems/*(:t)) ;;
    host) found=($target/hosts/*(:t)) ;;
    port) found=($target/ports/*(:t)) ;;
    namespace) found=($target/subsystems/$above/namespaces/*(:t)) ;;
    allowed) found=($target/subsystems/$above/allowed_hosts/*(:t)) ;;
    linked) found=($target/ports/$above/subsystems/*(:t)) ;;
    referral) found=($target/ports/$above/referrals/*(:t)) ;;
    ana-group) found=($target/ports/$above/ana_groups/*(:t)) ;;
    transaction) found=($root/run/p2pctl/txn/*(:t)) ;;
    controller)
        found=($kernel/kernel/debug/nvmet/$above/ctrl*(:t))
        found=(${found#ctrl})
        ;;
    esac
    found=(${found:#*[[:cntrl:]]*})
    _wanted $kind expl "$label" compadd -a - found && return
    # Addresses may leave out the domain 0000, and then look like no name at all.
    short=(${${(M)found:#0000:*}#0000:})
    _wanted $kind expl "$label" compadd -a - short
}

# Offers KEY= for the attributes of a kind of object that are not given yet, and values for the ones that have a list.
_p2pctl_attributes() {
    local expl
    local -a keys values said
    if ! compset -P 1 '*='; then
        _p2pctl_keys $1
        said=(${line%%=*})
        _wanted attributes expl attribute compadd -q -S = - ${keys:|said}
        return
    fi
    _p2pctl_values $1 ${IPREFIX%=}
    case $values[1] in
    @file) _files ;;
    @*) _p2pctl_subject ${values[1]#@} value ;;
    *) _wanted values expl value compadd -a - values ;;
    esac
}
