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
