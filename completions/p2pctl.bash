# Completion of p2pctl for bash. Made by scripts/generate from the command line itself: do not edit.

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

# What can follow the command $1; fails where there is none. A + stands for: any number of them.
_p2pctl_table() {
    shared=(--demo --capture=file --sysroot=directory -o=choice:table,plain,json,jsonl,yaml,csv --output=choice:table,plain,json,jsonl,yaml,csv --color=choice:auto,always,never -q --quiet -v+ --verbose+ -h --help)
    local changing=(--dry-run --yes --lock-timeout=text --disruption=choice:none,namespace,port,all --load)
    commands=() arguments=() options=()
    case $1 in
    '') commands=(status pool device topology acs matrix explain providers rules place doctor target subsystem namespace port host referral connection export validate diff apply recover confirm clear dashboard top monitor verify bench capture metrics completion) options=(--version) ;;
    status) options=(--wake) ;;
    pool) commands=(list show watch) ;;
    'pool list') options=(--holders) ;;
    'pool show') arguments=(pool) options=(--holders) ;;
    'pool watch') options=(-i=text --interval=text -n=text --count=text) ;;
    device) commands=(list show) ;;
    'device list') options=(-a --all --wake) ;;
    'device show') arguments=(device) options=(--wake) ;;
    topology) options=(-a --all --wake) ;;
    acs) commands=(list) ;;
    'acs list') options=(--rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022 --wake) ;;
    matrix) arguments=(device+) options=(-a --all --rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022 --wake) ;;
    explain) arguments=(device device+) options=(--rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022 --assume=choice:cmdline=,acs:,kernel=,iommu=off,iommu=on,move:+ --ask-kernel --trace=text --exit-code --wake) ;;
    providers) arguments=(device+) options=(--rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022 --wake) ;;
    rules) commands=(list show) ;;
    'rules list') ;;
    'rules show') arguments=(choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022) ;;
    place) options=(--namespace=device+ --port=device+ --prefer=pool+ --avoid=pool+ --spread --rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022 --document --wake) ;;
    doctor) arguments=(choice:kernel-without-p2pdma,user-io-fails,kernel-locked-down,acs-redirect,acs-detour,configuration-space-unread,host-bridge-not-listed,host-bridge-same-required,host-bridge-no-representative,iommu-closes-host-bridge,link-below-best,payload-mismatch,bar-not-assigned,bar-small,bar-below-best,iommu-translates-gpus,acs-list-with-commas,acs-option-repeated,acs-list-malformed,acs-list-truncated,grub-option-not-in-force,acs-option-too-new,acs-options-overlap,acs-parameter-broken,no-such-option,acs-override,iommu-option-invalid,iommu-off-not-needed,swiotlb-forced,acs-option-no-device,acs-option-not-in-force,no-pool,cmb-not-registered,cmb-used-by-queues,cmb-not-published,pool-exhausted,multipath-head,legacy-pool-device,target-not-loaded,nvmetcli-service,configfs-not-mounted,legacy-port-switch,p2p-falls-back,p2p-not-eligible,p2p-possibly-exhausted,p2p-pool-vanished,p2p-inline-writes,p2p-transport-cannot,port-listens-everywhere,port-virtual-dma,dhchap-key-readable,any-host-skips-dhchap,host-still-connected,tls-optional,rnbd-exports-everything,rnbd-without-p2p,change-interrupted,disk-overwritten,change-unconfirmed) options=(--for=choice:nvmet,gds,rocm,spdk --codes --junit=file --exit-code --wake) ;;
    target) commands=(show set) ;;
    'target show') ;;
    'target set') arguments=(attributes:root+) options=("${changing[@]}") ;;
    subsystem) commands=(list show create set delete allow disallow passthru) ;;
    'subsystem list') ;;
    'subsystem show') arguments=(subsystem) ;;
    'subsystem create') arguments=(text attributes:subsystem+) options=(--serial=text --model=text --allow=host+ --allow-any-host --or-update "${changing[@]}") ;;
    'subsystem set') arguments=(subsystem attributes:subsystem+) options=(--drop "${changing[@]}") ;;
    'subsystem delete') arguments=(subsystem) options=(--cascade --if-exists "${changing[@]}") ;;
    'subsystem allow') arguments=(subsystem host) options=("${changing[@]}") ;;
    'subsystem disallow') arguments=(subsystem allowed) options=(--drop "${changing[@]}") ;;
    'subsystem passthru') arguments=(subsystem attributes:passthru+) options=(--device=file --enable "${changing[@]}") ;;
    namespace) commands=(list show create set enable disable revalidate delete) ;;
    'namespace list') arguments=(subsystem) ;;
    'namespace show') arguments=(subsystem namespace) ;;
    'namespace create') arguments=(subsystem attributes:namespace+) options=(--device=file --p2pmem=p2pmem --enable --or-update "${changing[@]}") ;;
    'namespace set') arguments=(subsystem namespace attributes:namespace+) options=(--device=file --p2pmem=p2pmem "${changing[@]}") ;;
    'namespace enable') arguments=(subsystem namespace) options=("${changing[@]}") ;;
    'namespace disable') arguments=(subsystem namespace) options=("${changing[@]}") ;;
    'namespace revalidate') arguments=(subsystem namespace) options=("${changing[@]}") ;;
    'namespace delete') arguments=(subsystem namespace) options=(--cascade --if-exists "${changing[@]}") ;;
    port) commands=(list show state create set link unlink ana delete) ;;
    'port list') ;;
    'port show') arguments=(port) options=(--rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022 --wake) ;;
    'port state') arguments=(port) options=(--rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022 --wake) ;;
    'port create') arguments=(text attributes:port+) options=(--link=subsystem+ --or-update "${changing[@]}") ;;
    'port set') arguments=(port attributes:port+) options=("${changing[@]}") ;;
    'port link') arguments=(port subsystem) options=("${changing[@]}") ;;
    'port unlink') arguments=(port linked) options=("${changing[@]}") ;;
    'port ana') arguments=(port ana-group choice:optimized,non-optimized,inaccessible,persistent-loss,change,absent) options=("${changing[@]}") ;;
    'port delete') arguments=(port) options=(--cascade --if-exists "${changing[@]}") ;;
    host) commands=(list show create set delete) ;;
    'host list') ;;
    'host show') arguments=(host) ;;
    'host create') arguments=(text attributes:host+) options=(--key-file=file --ctrl-key-file=file --or-update "${changing[@]}") ;;
    'host set') arguments=(host attributes:host+) options=(--key-file=file --ctrl-key-file=file "${changing[@]}") ;;
    'host delete') arguments=(host) options=(--cascade --if-exists "${changing[@]}") ;;
    referral) commands=(list create set enable disable delete) ;;
    'referral list') arguments=(port) ;;
    'referral create') arguments=(port text attributes:referral+) options=(--enable --or-update "${changing[@]}") ;;
    'referral set') arguments=(port referral attributes:referral+) options=("${changing[@]}") ;;
    'referral enable') arguments=(port referral) options=("${changing[@]}") ;;
    'referral disable') arguments=(port referral) options=("${changing[@]}") ;;
    'referral delete') arguments=(port referral) options=(--cascade --if-exists "${changing[@]}") ;;
    connection) commands=(list drop) ;;
    'connection list') options=(--port=port --subsystem=subsystem) ;;
    'connection drop') arguments=(subsystem controller) options=(--host=host --dry-run --yes) ;;
    export) options=(--nvmetcli --show-secrets) ;;
    validate) arguments=(file) options=(--offline --schema) ;;
    diff) arguments=(file) options=(--prune=choice:owned,all --exit-code) ;;
    apply) arguments=(file) options=(--prune=choice:owned,all --wait=text --drop --confirm-within=text "${changing[@]}") ;;
    recover) arguments=(transaction) options=(--rollback --resume --lock-timeout=text --yes --confirm=text) ;;
    confirm) arguments=(transaction) options=(--lock-timeout=text) ;;
    clear) options=(--owned "${changing[@]}") ;;
    dashboard) options=(--once --view=choice:overview,pools,topology,matrix,target,log --list=text --interval=text --theme=text --ascii --write --no-mouse) ;;
    top) options=(--once --view=choice:overview,pools,topology,matrix,target,log --list=text --interval=text --theme=text --ascii --write --no-mouse) ;;
    monitor) options=(-i=text --interval=text -n=text --count=text --for=text) ;;
    verify) arguments=(pool device) options=(-a --all --mixed --even-denied --write --confirm=text --size=text --report=file --exit-code --wake) ;;
    bench) arguments=(pool device file) options=(--block-size=text --depth=text --runs=text --seconds=text --warm-up=text --span=text --mixed --fio --fio-job=file --confirm=text --wake) ;;
    capture) arguments=(file) options=(--redact --force --wake) ;;
    metrics) options=(--textfile=file --listen=text --wake) ;;
    completion) arguments=(choice:bash,zsh,fish) ;;
    *) return 1 ;;
    esac
}

# The keys that objects of a kind have.
_p2pctl_keys() {
    case $1 in
    root) keys=(discovery_nqn) ;;
    host) keys=(dhchap_hash dhchap_dhgroup dhchap_key dhchap_ctrl_key) ;;
    subsystem) keys=(version serial model firmware ieee_oui vendor_id subsys_vendor_id cntlid_min cntlid_max qid_max pi_enable allow_any_host) ;;
    passthru) keys=(device admin_timeout io_timeout clear_ids enable) ;;
    namespace) keys=(device uuid nguid p2pmem buffered_io resv_enable ana_grpid enable) ;;
    port) keys=(trtype adrfam traddr trsvcid tsas treq inline_data_size max_queue_size mdts pi_enable) ;;
    referral) keys=(trtype adrfam traddr trsvcid treq portid enable) ;;
    esac
}

# The values that a key of a kind of object takes; @ stands before a subject.
_p2pctl_values() {
    case $1/$2 in
    host/dhchap_hash) values=('hmac(sha256)' 'hmac(sha384)' 'hmac(sha512)') ;;
    host/dhchap_dhgroup) values=(null ffdhe2048 ffdhe3072 ffdhe4096 ffdhe6144 ffdhe8192) ;;
    subsystem/pi_enable) values=(0 1) ;;
    subsystem/allow_any_host) values=(0 1) ;;
    passthru/device) values=(@file) ;;
    passthru/enable) values=(0 1) ;;
    namespace/device) values=(@file) ;;
    namespace/p2pmem) values=(@p2pmem) ;;
    namespace/buffered_io) values=(0 1) ;;
    namespace/resv_enable) values=(0 1) ;;
    namespace/enable) values=(0 1) ;;
    port/trtype) values=(rdma tcp fc loop pci) ;;
    port/adrfam) values=(ipv4 ipv6 ib fc pci loop) ;;
    port/tsas) values=(none tls1.3 connected) ;;
    port/treq) values=('not specified' required 'not required') ;;
    port/inline_data_size) values=(auto) ;;
    port/max_queue_size) values=(auto) ;;
    port/pi_enable) values=(0 1) ;;
    referral/trtype) values=(rdma tcp fc loop pci) ;;
    referral/adrfam) values=(ipv4 ipv6 ib fc pci loop) ;;
    referral/treq) values=('not specified' required 'not required') ;;
    referral/enable) values=(0 1) ;;
    esac
}

complete -o nosort -F _p2pctl p2pctl
