# Completion of p2pctl for fish. Made by scripts/generate from the command line itself: do not edit.

# Names come from sysfs and configfs, read by the shell itself. They are data: nothing here evaluates them, and those
# with control characters are not offered.

# Goes down the commands of the line, then prints what the word at the cursor can become.
function __p2pctl
    set -l root
    set -l elsewhere
    set -l literal
    set -l option
    set -l subject
    set -l below
    set -l given
    set -l commands
    set -l arguments
    set -l options
    set -l shared
    set -l positionals
    set -l current (commandline -ct)
    # Words without their quotes: -x is how newer fish calls it, 3.x knows -o alone.
    set -l words (commandline -xpc 2>/dev/null; or commandline -opc)
    __p2pctl_table ''
    for word in $words[2..]
        if test -n "$option"
            __p2pctl_source $option $word
            set option
        else if test -z "$literal" -a "$word" = --
            set literal yes
        else if test -z "$literal"; and string match -q -- '--*=*' $word
            set -l parts (string split -m 1 = -- $word)
            set -a given $parts[1]
            __p2pctl_source $parts
        else if test -z "$literal"; and string match -q -- '-?*' $word
            set -a given $word
            __p2pctl_source $word ''
            __p2pctl_takes $word; and set option $word
        else if set -q commands[1]
            set -a below $word
            __p2pctl_table "$below"; or return
        else
            set -a positionals $word
        end
    end

    if test -n "$option"
        __p2pctl_takes $option; and __p2pctl_offer '' $subject
    else if test -z "$literal"; and string match -q -- '--*=*' $current
        set -l parts (string split -m 1 = -- $current)
        __p2pctl_takes $parts[1]; and __p2pctl_offer $parts[1]= $subject
    else if test -z "$literal"; and string match -q -- '-*' $current
        __p2pctl_options
    else if set -q commands[1]
        printf '%s\n' $commands
    else
        __p2pctl_positional
    end
end

# Notes where names come from: another directory, or a place that a shell cannot look into.
function __p2pctl_source --no-scope-shadowing
    switch $argv[1]
        case --demo --capture
            set elsewhere yes
        case --sysroot
            set root (string trim -r -c / -- (string replace -r '^~(?=/|$)' -- $HOME $argv[2]))
    end
end

# Sets subject to what the option $argv[1] takes; fails where it takes nothing.
function __p2pctl_takes --no-scope-shadowing
    for one in $options $shared
        if string match -q -- "$argv[1]=*" $one
            set subject (string replace -r -- '^[^=]*=([^+\t]*).*' '$1' $one)
            return 0
        end
    end
    return 1
end

# Prints options and what they are for. One that was given is left out, but for those that may be repeated.
function __p2pctl_options --no-scope-shadowing
    for one in $options $shared
        set -l name (string replace -r -- '[=+\t].*' '' $one)
        if not contains -- $name $given; or string match -q -r -- '^[^\t]*\+\t' $one
            printf '%s\t%s\n' $name (string replace -r -- '^[^\t]*\t' '' $one)
        end
    end
end

function __p2pctl_positional --no-scope-shadowing
    set -l place (math (count $positionals) + 1)
    if test $place -gt (count $arguments); and string match -q -- '*+' $arguments[-1]
        set place -1
    end
    if set -q arguments[$place]
        __p2pctl_offer '' (string trim -r -c + -- $arguments[$place])
    else if test -z "$current"
        __p2pctl_options
    end
end

# Offers what a subject can be, behind a prefix such as --port= that belongs to the same word.
function __p2pctl_offer --no-scope-shadowing
    set -l prefix $argv[1]
    set -l of (string split -m 1 : -- $argv[2])
    set -l kernel $root/sys
    set -l target $kernel/kernel/config/nvmet
    set -l above $positionals[1]
    string match -q -r -- '/|^\.' "$above"; and set above
    set -l typed (string replace -- "$prefix" '' $current)
    set -l paths
    switch $of[1]
        case choice
            printf '%s\n' $prefix(string split , -- $of[2])
        case attributes
            __p2pctl_attributes $of[2]
        case file
            printf '%s\n' $prefix(__fish_complete_path $typed)
        case directory
            printf '%s\n' $prefix(__fish_complete_directories $typed '')
        case p2pmem
            printf '%s\n' $prefix{auto,off}
            set paths $kernel/bus/pci/devices/*/p2pmem
        case pool
            set paths $kernel/class/nvme/*/device/p2pmem $kernel/bus/pci/devices/*/p2pmem
        case device
            if string match -q -- '/*' $typed
                printf '%s\n' $prefix(__fish_complete_path $typed)
            else
                set paths $kernel/class/nvme/nvme* $kernel/class/infiniband/* $kernel/class/net/*/device \
                    $kernel/bus/pci/devices/*
            end
        case subsystem
            set paths $target/subsystems/*
        case host
            set paths $target/hosts/*
        case port
            set paths $target/ports/*
        case namespace
            set paths $target/subsystems/$above/namespaces/*
        case allowed
            set paths $target/subsystems/$above/allowed_hosts/*
        case linked
            set paths $target/ports/$above/subsystems/*
        case referral
            set paths $target/ports/$above/referrals/*
        case ana-group
            set paths $target/ports/$above/ana_groups/*
        case transaction
            set paths $root/run/p2pctl/txn/*
        case controller
            set paths $kernel/kernel/debug/nvmet/$above/ctrl*
    end
    __p2pctl_names
end

# Prints the last name of each path; of p2pmem and device, the one of the directory that they are in.
function __p2pctl_names --no-scope-shadowing
    test -z "$elsewhere"; and set -q paths[1]; or return
    set paths (string match -v -r '[[:cntrl:]]' -- $paths)
    set -q paths[1]; or return
    set -l names (string replace -r '(/device)?(/p2pmem)?$' '' -- $paths | string replace -r '.*/(ctrl)?' '')
    # Addresses may leave out the domain 0000, and then look like no name at all.
    if string match -q -r '^[0-9a-f]' -- "$typed"; and not string match -q '00*' -- "$typed"
        set -a names (string match -r -g '/devices/0000:([^/]*)' -- $paths)
    end
    printf '%s\n' $prefix$names
end

# Offers KEY= for the attributes of a kind of object that are not given yet, and values for the ones that have a list.
function __p2pctl_attributes --no-scope-shadowing
    set -l keys
    set -l values
    if not string match -q -- '*=*' $current
        __p2pctl_keys $argv[1]
        for key in $keys
            contains -- $key (string replace -r -- '=.*' '' $positionals); or echo $key=
        end
        return
    end
    set -l key (string replace -r -- '=.*' '' $current)
    __p2pctl_values $argv[1] $key
    if string match -q -- '@*' "$values"
        __p2pctl_offer $key= (string trim -l -c @ -- $values)
    else
        printf '%s\n' $key=$values
    end
end

# What can follow the command $argv[1]; fails where there is none. A + stands for: any number of them.
function __p2pctl_table --no-scope-shadowing
    set shared \
        --demo\t'Work on the built-in demo host.' \
        --capture=file\t'Work on a host recorded by p2pctl capture.' \
        --sysroot=directory\t'Work on a directory that holds sys/ and proc/.' \
        -o=choice:table,plain,json,jsonl,yaml,csv\t'table, plain, json, jsonl, yaml, csv. Without it: $P2PCTL_OUTPUT, else table on a terminal, plain in a pipe.' \
        --output=choice:table,plain,json,jsonl,yaml,csv\t'table, plain, json, jsonl, yaml, csv. Without it: $P2PCTL_OUTPUT, else table on a terminal, plain in a pipe.' \
        --color=choice:auto,always,never\t'auto, always or never. NO_COLOR and FORCE_COLOR are heeded.' \
        -q\t'Say nothing beside the data but errors.' \
        --quiet\t'Say nothing beside the data but errors.' \
        -v+\t'Say what is decided and why.' \
        --verbose+\t'Say what is decided and why.' \
        -h\t'Show the help of a command.' \
        --help\t'Show the help of a command.'
    set commands
    set arguments
    set options
    switch $argv[1]
        case ''
            set commands \
                status\t'Show one page about this host: kernel, pools, NVMe target, and what stands out.' \
                pool\t'P2P memory: how much there is, how much is free, and who holds it.' \
                device\t'PCI functions that take part in P2P: where they sit, and what they can lend.' \
                topology\t'Show the PCI tree: host bridges, switches, and the devices that take part in P2P.' \
                acs\t'Ports that may send traffic between devices up to the host: PCIe Access Control Services.' \
                matrix\t'Show which devices may use whose P2P memory: verdict and distance of every pair.' \
                explain\t'Explain whether devices may use P2P memory of another: why, and what to do about it.' \
                providers\t'Show which P2P memory the kernel would choose for some clients.' \
                rules\t'The rules by which kernels decide whether two devices may do P2P.' \
                place\t'Propose a P2P memory provider for each namespace of the NVMe target.' \
                doctor\t'Show what stands in the way of P2P on this host, why, and what to do about it.' \
                target\t'The NVMe target as a whole: what it answers to discovery.' \
                subsystem\t'Subsystems: what hosts connect to, and who may.' \
                namespace\t'Namespaces of the NVMe target: the disks that hosts see.' \
                port\t'Ports of the NVMe target: where hosts reach it, and whether P2P memory is used there.' \
                host\t'Hosts that may use the NVMe target, and their keys (DH-HMAC-CHAP).' \
                referral\t'Referrals: other addresses that the discovery of a port tells hosts of.' \
                connection\t'Connections: which hosts use the NVMe target, and RNBD.' \
                export\t'Print the NVMe target as a document that apply takes (YAML, or -o json).' \
                validate\t'Check a document: syntax, names, values, and that it does not contradict itself.' \
                diff\t'Show what apply would change: + comes, - goes, ~ becomes another.' \
                apply\t'Make the NVMe target what a document says.' \
                recover\t'Undo or finish a change that was interrupted, so that the next one can begin.' \
                confirm\t'Keep a change that would otherwise undo itself.' \
                clear\t'Delete everything that the NVMe target has: ports, subsystems with their namespaces, hosts.' \
                dashboard\t'Show pools, the target and its P2P state live.' \
                top\t'The dashboard by a shorter name.' \
                monitor\t'Print what happens, a line an event, until interrupted.' \
                verify\t'Prove with real transfers that P2P memory works between a pool and an NVMe drive.' \
                bench\t'Measure transfers through P2P memory against the same ones through system memory.' \
                capture\t'Record this host in one file.' \
                metrics\t'Print what Prometheus wants to know of this host: pools, holders, links, P2P states, findings.' \
                completion\t'Print the completion file for a shell.'
            set options \
                --version\t'Show the version.'
        case 'status'
            set options \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'pool'
            set commands \
                list\t'List P2P memory: size, what is available, state and holders.' \
                show\t'Show one pool in full.' \
                watch\t'Watch the levels of all pools, until interrupted.'
        case 'pool list'
            set options \
                --holders\t'Look into every process for who maps the memory.'
        case 'pool show'
            set arguments pool
            set options \
                --holders\t'Look into every process for who maps the memory.'
        case 'pool watch'
            set options \
                -i=text\t'Time between two looks.' \
                --interval=text\t'Time between two looks.' \
                -n=text\t'Stop after so many looks.' \
                --count=text\t'Stop after so many looks.'
        case 'device'
            set commands \
                list\t'List the PCI functions that matter for P2P.' \
                show\t'Show one PCI function in full.'
        case 'device list'
            set options \
                -a\t'Every PCI function, not only those that matter for P2P.' \
                --all\t'Every PCI function, not only those that matter for P2P.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'device show'
            set arguments device
            set options \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'topology'
            set options \
                -a\t'Every PCI function, not only those that matter for P2P.' \
                --all\t'Every PCI function, not only those that matter for P2P.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'acs'
            set commands \
                list\t'List the ports with ACS: what each can do, what is on, and the pairs that it concerns.'
        case 'acs list'
            set options \
                --rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022\t'Rules to go by instead of the kernel\'s own: a name of p2pctl rules list, or a release such as 6.12.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'matrix'
            set arguments device+
            set options \
                -a\t'Also memory that is no pool: dma-buf exporters and raw BARs.' \
                --all\t'Also memory that is no pool: dma-buf exporters and raw BARs.' \
                --rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022\t'Rules to go by instead of the kernel\'s own: a name of p2pctl rules list, or a release such as 6.12.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'explain'
            set arguments device device+
            set options \
                --rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022\t'Rules to go by instead of the kernel\'s own: a name of p2pctl rules list, or a release such as 6.12.' \
                --assume=choice:cmdline=,acs:,kernel=,iommu=off,iommu=on,move:+\t'What if: cmdline=OPTIONS, acs:PORT=VALUE, kernel=RELEASE, iommu=off or move:DEVICE=SLOT; repeatable.' \
                --ask-kernel\t'Ask the running kernel, too: through a target subsystem that no port leads to.' \
                --trace=text\t'Count the requests for pool memory that silently fall back, with a probe in the running kernel.' \
                --exit-code\t'Exit with 8 if the answer is no, with 9 if it cannot be told.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'providers'
            set arguments device+
            set options \
                --rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022\t'Rules to go by instead of the kernel\'s own: a name of p2pctl rules list, or a release such as 6.12.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'rules'
            set commands \
                list\t'List the rule sets: one for each kernel release that changed an answer.' \
                show\t'Show one rule set in full, with its list of host bridges.'
        case 'rules list'
        case 'rules show'
            set arguments choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022
        case 'place'
            set options \
                --namespace=device+\t'Place this disk only; may be repeated.' \
                --port=device+\t'Export the named disks by this RDMA device, or interface; may be repeated. Without it: as the target does.' \
                --prefer=pool+\t'Take this pool wherever it is allowed; may be repeated.' \
                --avoid=pool+\t'Take this pool only where nothing else is allowed.' \
                --spread\t'Take farther pools too, where that relieves the most loaded link.' \
                --rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022\t'Go by these rules, not by those of the kernel.' \
                --document\t'Print the piece of a document that apply takes (YAML, or -o json).' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'doctor'
            set arguments choice:kernel-without-p2pdma,user-io-fails,kernel-locked-down,acs-redirect,acs-detour,configuration-space-unread,host-bridge-not-listed,host-bridge-same-required,host-bridge-no-representative,iommu-closes-host-bridge,link-below-best,payload-mismatch,bar-not-assigned,bar-small,bar-below-best,iommu-translates-gpus,acs-list-with-commas,acs-option-repeated,acs-list-malformed,acs-list-truncated,grub-option-not-in-force,acs-option-too-new,acs-options-overlap,acs-parameter-broken,no-such-option,acs-override,iommu-option-invalid,iommu-off-not-needed,swiotlb-forced,acs-option-no-device,acs-option-not-in-force,no-pool,cmb-not-registered,cmb-used-by-queues,cmb-not-published,pool-exhausted,multipath-head,legacy-pool-device,target-not-loaded,nvmetcli-service,configfs-not-mounted,legacy-port-switch,p2p-falls-back,p2p-not-eligible,p2p-possibly-exhausted,p2p-pool-vanished,p2p-inline-writes,p2p-transport-cannot,port-listens-everywhere,port-virtual-dma,dhchap-key-readable,any-host-skips-dhchap,host-still-connected,tls-optional,rnbd-exports-everything,rnbd-without-p2p,change-interrupted,disk-overwritten,change-unconfirmed
            set options \
                --for=choice:nvmet,gds,rocm,spdk\t'List what a use needs instead: nvmet, gds, rocm or spdk.' \
                --codes\t'List every code that there is instead.' \
                --junit=file\t'Write the result as JUnit XML, too; - to standard output, alone.' \
                --exit-code\t'Exit with 8 for a warning, an error or a failed need, 9 if one may hide.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'target'
            set commands \
                show\t'Show the target\'s own attributes, and how many objects it has.' \
                set\t'Set attributes of the target as a whole.'
        case 'target show'
        case 'target set'
            set arguments attributes:root+
            set options \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'subsystem'
            set commands \
                list\t'List the subsystems: namespaces, ports and who may connect.' \
                show\t'Show one subsystem in full.' \
                create\t'Create a subsystem. Nobody can connect to it until a port exports it, and a host is allowed.' \
                set\t'Set attributes of a subsystem.' \
                delete\t'Delete a subsystem.' \
                allow\t'Let a host connect to a subsystem. The host is made where there is none.' \
                disallow\t'Take from a host the right to connect to a subsystem.' \
                passthru\t'Hand a whole NVMe controller through as a subsystem, instead of namespaces.'
        case 'subsystem list'
        case 'subsystem show'
            set arguments subsystem
        case 'subsystem create'
            set arguments text attributes:subsystem+
            set options \
                --serial=text\t'Serial number: 1 to 20 characters.' \
                --model=text\t'Model name: 1 to 40 characters.' \
                --allow=host+\t'A host that may connect; may be repeated. Made if missing.' \
                --allow-any-host\t'Let every host connect, without authentication.' \
                --or-update\t'Where it exists already, change it. Otherwise that is an error (exit 2).' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'subsystem set'
            set arguments subsystem attributes:subsystem+
            set options \
                --drop\t'End the sessions of hosts that lose their right, where the kernel has a way.' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'subsystem delete'
            set arguments subsystem
            set options \
                --cascade\t'Also delete what is in it, and remove it from whatever uses it.' \
                --if-exists\t'Where there is none, there is nothing to do. Otherwise an error (exit 3).' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'subsystem allow'
            set arguments subsystem host
            set options \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'subsystem disallow'
            set arguments subsystem allowed
            set options \
                --drop\t'End the host\'s sessions with it, too, where the kernel has a way.' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'subsystem passthru'
            set arguments subsystem attributes:passthru+
            set options \
                --device=file\t'The NVMe controller, such as /dev/nvme3.' \
                --enable\t'Enable it, once all else is set.' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'namespace'
            set commands \
                list\t'List the namespaces of the target.' \
                show\t'Show one namespace in full.' \
                create\t'Create a namespace. Hosts see it once it is enabled.' \
                set\t'Set attributes of a namespace.' \
                enable\t'Enable a namespace: hosts see it.' \
                disable\t'Disable a namespace: hosts see it no more, and its device is closed.' \
                revalidate\t'Have the kernel look again at the size of a namespace\'s device, and tell the hosts.' \
                delete\t'Delete a namespace. What is on its device stays.'
        case 'namespace list'
            set arguments subsystem
        case 'namespace show'
            set arguments subsystem namespace
        case 'namespace create'
            set arguments subsystem attributes:namespace+
            set options \
                --device=file\t'A block device, or a file, that it is served from.' \
                --p2pmem=p2pmem\t'auto: the kernel\'s choice; off; or the device whose memory is used.' \
                --enable\t'Enable it, once all else is set.' \
                --or-update\t'Where it exists already, change it. Otherwise that is an error (exit 2).' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'namespace set'
            set arguments subsystem namespace attributes:namespace+
            set options \
                --device=file\t'A block device, or a file, that it is served from.' \
                --p2pmem=p2pmem\t'auto: the kernel\'s choice; off; or the device whose memory is used.' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'namespace enable'
            set arguments subsystem namespace
            set options \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'namespace disable'
            set arguments subsystem namespace
            set options \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'namespace revalidate'
            set arguments subsystem namespace
            set options \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'namespace delete'
            set arguments subsystem namespace
            set options \
                --cascade\t'Also delete what is in it, and remove it from whatever uses it.' \
                --if-exists\t'Where there is none, there is nothing to do. Otherwise an error (exit 3).' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'port'
            set commands \
                list\t'List the ports: transport, address, and what they export.' \
                show\t'Show one port in full, with what becomes of P2P on it.' \
                state\t'Show whether the I/O of each namespace goes through P2P memory, port by port, and how that is known.' \
                create\t'Create a port. It serves hosts once it exports a subsystem.' \
                set\t'Set attributes of a port.' \
                link\t'Export a subsystem by a port.' \
                unlink\t'Export a subsystem by a port no more. Hosts that use it there lose it at once.' \
                ana\t'Set how the namespaces of an ANA group are reached by a port. The group is made where there is none.' \
                delete\t'Delete a port.'
        case 'port list'
        case 'port show'
            set arguments port
            set options \
                --rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022\t'Rules to go by instead of the kernel\'s own: a name of p2pctl rules list, or a release such as 6.12.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'port state'
            set arguments port
            set options \
                --rules=choice:linux-before-4.20,linux-4.20,linux-5.2,linux-5.4,linux-5.6,linux-5.7,linux-5.8,linux-5.9,linux-5.11,linux-5.18,linux-5.19,linux-7.1,linux-7.2,linux-7.3,rfc-2017,v5-2018,vma-2019,userspace-2022\t'Rules to go by instead of the kernel\'s own: a name of p2pctl rules list, or a release such as 6.12.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'port create'
            set arguments text attributes:port+
            set options \
                --link=subsystem+\t'A subsystem to export; may be repeated.' \
                --or-update\t'Where it exists already, change it. Otherwise that is an error (exit 2).' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'port set'
            set arguments port attributes:port+
            set options \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'port link'
            set arguments port subsystem
            set options \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'port unlink'
            set arguments port linked
            set options \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'port ana'
            set arguments port ana-group choice:optimized,non-optimized,inaccessible,persistent-loss,change,absent
            set options \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'port delete'
            set arguments port
            set options \
                --cascade\t'Also delete what is in it, and remove it from whatever uses it.' \
                --if-exists\t'Where there is none, there is nothing to do. Otherwise an error (exit 3).' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'host'
            set commands \
                list\t'List the hosts that are known to the target. Of keys, only whether they are set.' \
                show\t'Show one host in full.' \
                create\t'Create a host, with its keys if it is to prove who it is.' \
                set\t'Set the keys of a host, and how they are used.' \
                delete\t'Delete a host, and with it its keys.'
        case 'host list'
        case 'host show'
            set arguments host
        case 'host create'
            set arguments text attributes:host+
            set options \
                --key-file=file\t'The key by which the host proves itself (DHHC-1:...); - is standard input.' \
                --ctrl-key-file=file\t'The key by which this target proves itself to the host.' \
                --or-update\t'Where it exists already, change it. Otherwise that is an error (exit 2).' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'host set'
            set arguments host attributes:host+
            set options \
                --key-file=file\t'The key by which the host proves itself (DHHC-1:...); - is standard input.' \
                --ctrl-key-file=file\t'The key by which this target proves itself to the host.' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'host delete'
            set arguments host
            set options \
                --cascade\t'Also delete what is in it, and remove it from whatever uses it.' \
                --if-exists\t'Where there is none, there is nothing to do. Otherwise an error (exit 3).' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'referral'
            set commands \
                list\t'List the referrals of all ports, or of one.' \
                create\t'Create a referral. Hosts are told of it once it is enabled.' \
                set\t'Set attributes of a referral. One that is enabled is disabled meanwhile.' \
                enable\t'Have discovery tell hosts of a referral.' \
                disable\t'Have discovery keep quiet about a referral.' \
                delete\t'Delete a referral.'
        case 'referral list'
            set arguments port
        case 'referral create'
            set arguments port text attributes:referral+
            set options \
                --enable\t'Enable it, once all else is set.' \
                --or-update\t'Where it exists already, change it. Otherwise that is an error (exit 2).' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'referral set'
            set arguments port referral attributes:referral+
            set options \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'referral enable'
            set arguments port referral
            set options \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'referral disable'
            set arguments port referral
            set options \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'referral delete'
            set arguments port referral
            set options \
                --cascade\t'Also delete what is in it, and remove it from whatever uses it.' \
                --if-exists\t'Where there is none, there is nothing to do. Otherwise an error (exit 3).' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'connection'
            set commands \
                list\t'List who is connected, and what that is known from.' \
                drop\t'End connections of hosts: their I/O fails, and most hosts connect again by themselves.'
        case 'connection list'
            set options \
                --port=port\t'Only those that came in by this port.' \
                --subsystem=subsystem\t'Only those to this subsystem.'
        case 'connection drop'
            set arguments subsystem controller
            set options \
                --host=host\t'Every connection of this host, by its exact name.' \
                --dry-run\t'Change nothing: print what would be done as shell lines.' \
                --yes\t'Do not ask.'
        case 'export'
            set options \
                --nvmetcli\t'In nvmetcli\'s format (JSON). What it cannot hold is told.' \
                --show-secrets\t'With the keys of hosts. Without it, apply keeps those it finds.'
        case 'validate'
            set arguments file
            set options \
                --offline\t'Look at the document alone: not at this host, nor at files with keys.' \
                --schema\t'Print the JSON Schema of documents, for editors, and end.'
        case 'diff'
            set arguments file
            set options \
                --prune=choice:owned,all\t'Delete what the document does not name: owned, what p2pctl made in this boot; or all.' \
                --exit-code\t'Exit with 8 if something differs, with 9 if that cannot be told.'
        case 'apply'
            set arguments file
            set options \
                --prune=choice:owned,all\t'Delete what the document does not name: owned, what p2pctl made in this boot; or all.' \
                --wait=text\t'How long to wait for devices and addresses to appear.' \
                --drop\t'End the sessions of hosts that lose their right, where the kernel can.' \
                --confirm-within=text\t'Undo it unless p2pctl confirm is called in time. It takes systemd.' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'recover'
            set arguments transaction
            set options \
                --rollback\t'Undo what it did.' \
                --resume\t'Do the rest of it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --yes\t'Do not ask: undo the change, and put back a disk where nobody can lose data.' \
                --confirm=text\t'Name of the disk that is put back, whatever is there now, instead of typing it.'
        case 'confirm'
            set arguments transaction
            set options \
                --lock-timeout=text\t'How long to wait for another change to end.'
        case 'clear'
            set options \
                --owned\t'Delete only what p2pctl itself has made in this boot.' \
                --dry-run\t'Change nothing: print the steps as shell lines, or as a document (-o).' \
                --yes\t'Do not ask before something is deleted, or hosts lose it.' \
                --lock-timeout=text\t'How long to wait for another change to end.' \
                --disruption=choice:none,namespace,port,all\t'none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; a port loses its connections; all lose theirs. Without it: what the command\'s name says, such as disable or delete, and none for the others.' \
                --load\t'Load the kernel modules that are missing, and mount configfs where it is not.'
        case 'dashboard'
            set options \
                --once\t'Print what the view would show, and end.' \
                --view=choice:overview,pools,topology,matrix,target,log\t'overview, pools, topology, matrix, target or log.' \
                --list=text\t'With --once: only this list of the view, such as holders.' \
                --interval=text\t'Time between two looks at the pools (1; 0.1 to 3600).' \
                --theme=text\t'Colours, such as nord or p2pctl-distinct.' \
                --ascii\t'Draw with ASCII only.' \
                --write\t'Allow changes of the target; each is asked about.' \
                --no-mouse\t'Leave the mouse to the terminal.'
        case 'top'
            set options \
                --once\t'Print what the view would show, and end.' \
                --view=choice:overview,pools,topology,matrix,target,log\t'overview, pools, topology, matrix, target or log.' \
                --list=text\t'With --once: only this list of the view, such as holders.' \
                --interval=text\t'Time between two looks at the pools (1; 0.1 to 3600).' \
                --theme=text\t'Colours, such as nord or p2pctl-distinct.' \
                --ascii\t'Draw with ASCII only.' \
                --write\t'Allow changes of the target; each is asked about.' \
                --no-mouse\t'Leave the mouse to the terminal.'
        case 'monitor'
            set options \
                -i=text\t'Time between two looks at levels.' \
                --interval=text\t'Time between two looks at levels.' \
                -n=text\t'Stop after so many lines.' \
                --count=text\t'Stop after so many lines.' \
                --for=text\t'Stop after so long.'
        case 'verify'
            set arguments pool device
            set options \
                -a\t'Try every pool with every NVMe drive.' \
                --all\t'Try every pool with every NVMe drive.' \
                --mixed\t'Also put P2P memory and ordinary memory into one transfer.' \
                --even-denied\t'With --mixed: also, for a denied pair, the order that the kernel lets through unchecked. DMA that it would refuse can hang or crash a host.' \
                --write\t'Write, too, to the disk, partition or file that CLIENT names.' \
                --confirm=text\t'The disk\'s name, instead of typing it.' \
                --size=text\t'How much to transfer at most.' \
                --report=file\t'Record this host there if anything disagrees.' \
                --exit-code\t'Exit with 8 if the answer is no, with 9 if it cannot be told.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'bench'
            set arguments pool device file
            set options \
                --block-size=text\t'Bytes of a transfer, one or several.' \
                --depth=text\t'Transfers under way at a time, a thread each.' \
                --runs=text\t'Runs of each setting.' \
                --seconds=text\t'Length of a run.' \
                --warm-up=text\t'What is not measured.' \
                --span=text\t'How much of the disks the transfers stay within.' \
                --mixed\t'Also half P2P, half system memory in one transfer.' \
                --fio\t'Have fio measure the same reads.' \
                --fio-job=file\t'Keep fio\'s jobs there.' \
                --confirm=text\t'The destination\'s name, instead of typing it.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'capture'
            set arguments file
            set options \
                --redact\t'Replace serial numbers, NQNs and other identities.' \
                --force\t'Replace a file that is there.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'metrics'
            set options \
                --textfile=file\t'Write a file for node_exporter\'s textfile collector (*.prom).' \
                --listen=text\t'Serve /metrics until ended; without HOST, to this host only.' \
                --wake\t'Wake sleeping devices to read their configuration space.'
        case 'completion'
            set arguments choice:bash,zsh,fish
        case '*'
            return 1
    end
end

# The keys that objects of a kind have.
function __p2pctl_keys --no-scope-shadowing
    switch $argv[1]
        case root
            set keys discovery_nqn
        case host
            set keys dhchap_hash dhchap_dhgroup dhchap_key dhchap_ctrl_key
        case subsystem
            set keys version serial model firmware ieee_oui vendor_id subsys_vendor_id cntlid_min cntlid_max qid_max pi_enable allow_any_host
        case passthru
            set keys device admin_timeout io_timeout clear_ids enable
        case namespace
            set keys device uuid nguid p2pmem buffered_io resv_enable ana_grpid enable
        case port
            set keys trtype adrfam traddr trsvcid tsas treq inline_data_size max_queue_size mdts pi_enable
        case referral
            set keys trtype adrfam traddr trsvcid treq portid enable
    end
end

# The values that a key of a kind of object takes; @ stands before a subject.
function __p2pctl_values --no-scope-shadowing
    switch $argv[1]/$argv[2]
        case host/dhchap_hash
            set values 'hmac(sha256)' 'hmac(sha384)' 'hmac(sha512)'
        case host/dhchap_dhgroup
            set values 'null' 'ffdhe2048' 'ffdhe3072' 'ffdhe4096' 'ffdhe6144' 'ffdhe8192'
        case subsystem/pi_enable
            set values '0' '1'
        case subsystem/allow_any_host
            set values '0' '1'
        case passthru/device
            set values '@file'
        case passthru/enable
            set values '0' '1'
        case namespace/device
            set values '@file'
        case namespace/p2pmem
            set values '@p2pmem'
        case namespace/buffered_io
            set values '0' '1'
        case namespace/resv_enable
            set values '0' '1'
        case namespace/enable
            set values '0' '1'
        case port/trtype
            set values 'rdma' 'tcp' 'fc' 'loop' 'pci'
        case port/adrfam
            set values 'ipv4' 'ipv6' 'ib' 'fc' 'pci' 'loop'
        case port/tsas
            set values 'none' 'tls1.3' 'connected'
        case port/treq
            set values 'not specified' 'required' 'not required'
        case port/inline_data_size
            set values 'auto'
        case port/max_queue_size
            set values 'auto'
        case port/pi_enable
            set values '0' '1'
        case referral/trtype
            set values 'rdma' 'tcp' 'fc' 'loop' 'pci'
        case referral/adrfam
            set values 'ipv4' 'ipv6' 'ib' 'fc' 'pci' 'loop'
        case referral/treq
            set values 'not specified' 'required' 'not required'
        case referral/enable
            set values '0' '1'
    end
end

complete -c p2pctl -f -k -a '(__p2pctl)'
