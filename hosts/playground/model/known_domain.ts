// Known (domain): what is below a domain's home, but for devices, and what is elsewhere.
// Holds   tables: a path, ` : ` and the kind of its value, and below it what it is for.
// Never   does anything.
// Source  the XenStore protocol, well-known paths; the store of a real host.

/** Paths from the root on. */
export const ELSEWHERE = `
/
  The root of the store. By default guests can neither list nor read it.
@introduceDomain
  Not a node but a special watch: it fires when the store has come to know a new domain.
@introduceDomain/<domid>
  A special watch for one domain: it fires when the store has come to know that domain.
@releaseDomain
  Not a node but a special watch: it fires when a domain has shut down, crashed or ended. It does
  not say which one: look at all that you know.
@releaseDomain/<domid>
  A special watch for one domain: it fires when that domain has shut down, crashed or ended.
/tool
  Room for tools of the control domain. Guests have no business here.
/tool/xenstored
  What the store's daemon tells about itself.
/tool/xenstored/domid : domid
  The domain in which the store runs, where that is one of its own. Tools look here to know.
/local
  Everything about what runs on this host now.
/local/domain
  One node for each domain: its home.
/local/domain/<domid>
  A domain's home. Its own relative paths begin here, so for that domain \`name\` is
  \`/local/domain/<domid>/name\`.
/local/pool
  Groups of processors that domains run on.
/local/pool/<n>
  A pool of processors.
/local/pool/<n>/name
  The pool's name, as \`xl cpupool-list\` shows it.
/vm
  One node for each virtual machine, by its UUID. The UUID stays when a machine is rebooted or
  moved to another host, its domid does not.
/vm/<uuid>
  What stays the same for a virtual machine. Its domain points here with \`vm\`.
/vm/<uuid>/name
  The machine's name, as \`xl list\` shows it.
/vm/<uuid>/uuid
  The machine's UUID.
/vm/<uuid>/start_time : time
  When it was started, in seconds since 1970.
/vm/<uuid>/memory : mib
  How much memory it was last told to use, in MiB.
/vm/<uuid>/image
  How it was started.
/vm/<uuid>/image/ostype : ostype
  Whether it was started as a PV or an HVM machine.
/vm/<uuid>/image/kernel
  The file of the kernel it was started with, in the control domain.
/vm/<uuid>/image/ramdisk
  The file of its first RAM disk, in the control domain.
/vm/<uuid>/image/cmdline
  The command line of its kernel.
/vm/<uuid>/rtc/timeoffset
  How far the guest's clock is from UTC, in seconds. The device model keeps it up to date.
/vm/<uuid>/vncpasswd
  The password of its VNC display.
/libxl
  The toolstack's own notes. No guest can read them.
/libxl/<domid>
  What the toolstack (libxl) knows of a domain, out of the guest's reach.
/libxl/<domid>/type : type
  How the domain is virtualised.
/libxl/<domid>/dm-version : dm
  Which device model serves it.
/libxl/<domid>/device
  The devices that the toolstack gave to it. It trusts these notes, not what the guest can write.
/libxl/<domid>/device/<class>
  Devices of one kind, such as vbd (disks) or vif (network interfaces).
/libxl/<domid>/device/<class>/<n>
  The toolstack's note of one device: what was asked for, and where its two halves are.
/libxl/<domid>/device/<class>/<n>/frontend
  Path of the guest's half of the device.
/libxl/<domid>/device/<class>/<n>/backend
  Path of the half in the domain that serves the device.
/libxl/<domid>/device/<class>/<n>/<what>
  The toolstack's note of what it wrote to the backend when it made the device. It is not kept up
  to date.
`;

/** Paths below /local/domain/<domid>. */
export const DOMAIN = `
/vm
  Path of the virtual machine that runs in this domain, such as /vm/<uuid>.
/name
  The domain's name.
/domid : domid
  The domain's number. A guest reads it to learn who it is.
/target : domid
  The domain that this stub domain works for.
/cpu
  The domain's virtual processors.
/cpu/<n>
  A virtual processor.
/cpu/<n>/availability : availability
  Whether the guest is to use this processor. \`xl vcpu-set\` writes it, the guest watches it.
/memory
  How much memory the domain has and is to have.
/memory/target : kib
  How much memory the guest is to use, in KiB. Its balloon driver watches this node and gives
  memory back or takes more.
/memory/static-max : kib
  The most memory the domain can ever have, in KiB, fixed when it was built.
/memory/videoram : kib
  How much of its memory is for the video card, in KiB. The balloon driver does not count it.
/memory/meminfo
  What an agent in the guest tells of the use of its memory.
/control
  Requests from the toolstack to the guest, and what either side can do.
/control/shutdown : shutdown
  What the toolstack asks of the guest. The guest acknowledges by writing an empty value, and then
  does it.
/control/sysrq : sysrq
  A key for the magic SysRq of a Linux guest. The guest empties the node when it has seen it.
/control/feature-poweroff : yes
  The guest says that it acts on \`poweroff\` in control/shutdown.
/control/feature-reboot : yes
  The guest says that it acts on \`reboot\` in control/shutdown.
/control/feature-suspend : yes
  The guest says that it can be suspended, and so saved and moved to another host.
/control/feature-s3 : yes
  The guest says that it acts on \`s3\`: sleep, with its memory kept.
/control/feature-s4 : yes
  The guest says that it acts on \`s4\`: hibernation.
/control/feature-balloon : yes
  The guest says that it follows memory/target.
/control/feature-laptop-slate-mode : yes
  The guest says that it can be told whether it is a laptop or a tablet.
/control/feature-* : yes
  Something that the guest says it can do when asked by way of this directory.
/control/laptop-slate-mode : slate
  Whether the guest is to behave like a laptop or like a tablet (slate).
/control/platform-feature-multiprocessor-suspend : yes
  The host says that a guest with several processors can be suspended as it is.
/control/platform-feature-xs_reset_watches : yes
  The host says that the store knows RESET_WATCHES, which a kernel started by another kernel needs.
/control/platform-feature-* : yes
  Something that the host tells the guest it can rely on.
/device/suspend
  How the toolstack asks for a suspension without this store.
/device/suspend/event-channel
  The port of an event channel through which the toolstack asks the guest to suspend. Faster than
  control/shutdown.
/image
  How the domain was started, for the toolstack.
/image/device-model-pid
  The process of the domain's device model (QEMU) in the control domain.
/image/device-model-domid : domid
  The stub domain in which its device model runs.
/store
  How the domain reaches this store.
/store/port
  The port of the event channel between the domain and the store.
/store/ring-ref
  The page of memory through which it speaks with the store. Only for people to read: nothing
  relies on it.
/console
  The first console of the domain, a device without a place below \`device\`.
/console/backend
  Path of the backend's half of the console.
/console/backend-id : domid
  The domain that serves the console.
/console/ring-ref
  The page of memory through which the console's characters go.
/console/port
  The port of the console's event channel.
/console/limit : bytes
  How many bytes of output are kept while nobody reads them.
/console/type : consoletype
  What serves the console.
/console/output
  Where the backend puts the output: \`pty\` for a terminal in the control domain.
/console/tty
  The terminal in the control domain that \`xl console\` opens.
/console/state : state
  The guest's half of the handshake.
/console/vnc-port
  The TCP port on which the guest's display is served by VNC.
/console/vnc-listen
  The address on which the guest's display is served by VNC.
/serial/<n>/tty
  The terminal in the control domain that shows a serial port of the guest.
/data
  Free for the guest: its agents tell here what they know, for whoever reads it.
/data/updated
  A guest agent writes here when it has changed its other nodes: one node to watch.
/data/os_name
  The guest's operating system, told by an agent in it.
/data/os_*
  About the guest's operating system, told by an agent in it.
/data/meminfo_total : kib
  Memory that the guest sees, in KiB, told by an agent in it.
/data/meminfo_free : kib
  Memory that the guest does not use, in KiB, told by an agent in it.
/data/<what>
  Something that the guest wrote. It may be anything: do not trust it.
/drivers
  The guest's drivers tell here which versions they are.
/drivers/<n>
  Name and version of a driver in the guest.
/feature
  What the guest's agents can do.
/feature/hotplug/<class> : yes
  Whether devices of this kind can be plugged in while the guest runs.
/attr
  What a guest agent tells of the guest, such as its addresses.
/attr/vif/<n>
  What the guest made of a network interface.
/attr/vif/<n>/name
  The interface's name in the guest.
/attr/vif/<n>/mac/<i>
  The interface's hardware address, as the guest sees it.
/attr/vif/<n>/ipv4/<i>
  An IPv4 address that the guest gave to it.
/attr/vif/<n>/ipv6/<i>
  An IPv6 address that the guest gave to it.
/attr/<device>/ip
  The address of a network device, told by an older agent in the guest.
/attr/PVAddons
  Which version of the guest's drivers is installed.
/error
  Drivers in the guest write here what went wrong.
/error/device/<class>/<n>/error
  Why a driver in the guest gave up its device: an error number and a text.
/error/backend/<class>/<frontend>/<n>/error
  Why the backend gave up a device: an error number and a text.
/hvmloader
  What the firmware of an HVM guest is told before the guest's system starts.
/hvmloader/bios
  Which firmware it is to start: seabios, ovmf or rombios.
/hvmloader/allow-memory-relocate : yes
  Whether memory may be moved to make room for devices.
/hvmloader/generation-id-address
  Where the generation identifier lies in the guest's memory.
/hvmloader/<what>
  A setting for the firmware.
/bios-strings
  Texts that the firmware shows in the guest's SMBIOS tables.
/bios-strings/<what>
  A text for the guest's SMBIOS tables, such as the maker of the system.
/platform
  Switches of the virtual platform, read by the firmware.
/platform/generation-id
  A number that changes when the machine is rolled back or copied, so that the guest notices.
/platform/acpi : yes
  Whether the guest gets ACPI tables.
/platform/<what>
  A switch of the virtual platform.
/device-model/<domid>
  Talk between the toolstack and the device model of that domain.
/device-model/<domid>/state
  What the device model does: \`running\` when it is ready.
/device-model/<domid>/command
  What the toolstack asks the device model to do, such as \`save\` or \`pci-ins\`.
/device-model/<domid>/parameter
  The device that the command is about.
/device-model/<domid>/physmap/<address>/<what>
  A piece of the guest's memory that the device model has moved: it must survive a migration.
/libxl
  Notes of the toolstack about this domain.
/libxl/disable_udev : yes
  With 1, the toolstack starts the hotplug scripts itself instead of leaving them to udev.
/vm-data/<what>
  Something that the host's administrator wants the guest to know.
`;
