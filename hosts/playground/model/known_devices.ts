// Known (devices): what is below device and backend: the two halves of each paravirtual device.
// Holds   tables, in the form of known_domain.ts.
// Never   does anything.
// Source  the XenStore protocol, well-known paths; public headers of Xen (io/blkif.h, io/netif.h).

/** Kinds of devices, below /local/domain/<domid>: guest's half and backend's half. */
export const CLASSES = `
/device
  The domain's halves of its devices (frontends), by kind.
/device/vif
  Network interfaces of the domain.
/device/vbd
  Disks of the domain.
/device/console
  Further consoles of the domain. The first one is at \`console\` in its home.
/device/vkbd
  Virtual keyboards and pointers.
/device/vfb
  Virtual screens.
/device/pci
  PCI devices that were passed through to the domain.
/device/9pfs
  Shared folders of the domain.
/device/vusb
  USB controllers of the domain.
/device/vtpm
  Virtual TPMs of the domain.
/device/<class>
  The domain's devices of one kind.
/backend
  The halves of devices that this domain serves to others (backends), by kind.
/backend/vif
  Network interfaces that this domain serves.
/backend/vbd
  Disks that this domain serves.
/backend/qdisk
  Disks that this domain serves by QEMU instead of its kernel.
/backend/console
  Consoles that this domain serves.
/backend/pci
  PCI devices that this domain passes through to others.
/backend/<class>
  Devices of one kind that this domain serves.
/backend/<class>/<frontend>
  The devices of one kind that this domain serves to that one.
`;

/** Below /local/domain/<domid>/device. */
export const FRONTENDS = `
/<class>/<n>
  The guest's half of a device. The guest owns it; the backend can read it.
/vif/<n>
  The guest's half of a network interface. The guest owns it; the backend can read it.
/vbd/<devid> : disk
  The guest's half of a disk, whose number says what it is called. The guest owns it; the backend
  can read it.
/<class>/<n>/backend
  Path of the device's other half, in the domain that serves it.
/<class>/<n>/backend-id : domid
  The domain that serves the device. It can read this half.
/<class>/<n>/state : state
  How far the guest's driver is. The backend watches this node; both halves step from 1 to 4.
/<class>/<n>/event-channel
  The port of the event channel with which each half wakes the other.
/<class>/<n>/ring-ref
  Grant of the page through which the two halves pass requests and replies.
/<class>/<n>/ring-ref*
  Grant of one of the pages through which the two halves pass requests and replies.
/<class>/<n>/ring-page-order
  How many pages the ring has, as a power of two.
/<class>/<n>/protocol : abi
  How the numbers in the ring are laid out, which depends on the guest's processor.
/<class>/<n>/trusted : trusted
  Whether the guest may trust the backend with memory that holds other data, too.
/<class>/<n>/multi-queue-num-queues
  How many queues the guest uses. Each has a directory of its own, unless it is only one.
/<class>/<n>/queue-*
  One of several queues of the device.
/<class>/<n>/queue-*/<what>
  As the node of that name of a device with a single queue.
/<class>/<n>/feature-* : yes
  Something that the guest's half can do.
/<class>/<n>/request-* : yes
  Something that the guest's half asks the other half to do.
/vif/<n>/handle
  Number of the interface among those of the guest.
/vif/<n>/mac
  Hardware address of the interface. 00:16:3e is the prefix of Xen's own addresses.
/vif/<n>/mtu : bytes
  Largest packet that the network takes.
/vif/<n>/tx-ring-ref
  Grant of the page through which the guest sends packets.
/vif/<n>/rx-ring-ref
  Grant of the page through which the guest gets packets.
/vif/<n>/event-channel-tx
  The port of the event channel for sending.
/vif/<n>/event-channel-rx
  The port of the event channel for receiving.
/vif/<n>/ctrl-ring-ref
  Grant of the page through which the guest sets up hashing of packets.
/vif/<n>/event-channel-ctrl
  The port of the event channel of the control ring.
/vif/<n>/request-rx-copy : yes
  The guest wants packets copied into its memory rather than exchanged for pages. All do today.
/vif/<n>/feature-rx-notify : yes
  The guest raises an event when it has made room for packets.
/vif/<n>/feature-sg : yes
  The guest takes packets that lie in several pieces.
/vif/<n>/feature-gso-* : yes
  The guest takes large packets, cut into segments by hardware.
/vif/<n>/feature-ipv6-csum-offload : yes
  The guest takes IPv6 packets whose checksum is not filled in yet.
/vif/<n>/xdp-headroom : bytes
  Bytes that the guest wants in front of each packet, for its packet filter.
/vbd/<devid>/virtual-device : disk
  The disk's number, which says what the guest calls it.
/vbd/<devid>/device-type : devicetype
  Whether the guest sees a disk or a CD drive.
/vbd/<devid>/feature-persistent : yes
  The guest keeps its pages granted, which spares work on each request.
/vkbd/<n>/page-ref
  The page through which keys and movements come.
/vkbd/<n>/request-abs-pointer : yes
  The guest wants positions of the pointer instead of movements.
/vfb/<n>/page-ref
  The page that says where the guest's picture lies.
/vfb/<n>/feature-update : yes
  The guest can tell which part of the picture has changed.
/pci/<n>/pci-op-ref
  Grant of the page through which the guest reaches configuration registers.
/pci/<n>/magic
  Version of the protocol.
`;

/** Below /local/domain/<backend>/backend. */
export const BACKENDS = `
/<class>/<frontend>/<n>
  The backend's half of a device of that domain. The guest can read it.
/vif/<frontend>/<n>
  The backend's half of a network interface of that domain. The guest can read it.
/vbd/<frontend>/<devid> : disk
  The backend's half of a disk of that domain. The guest can read it.
/<class>/<frontend>/<n>/frontend
  Path of the guest's half of the device.
/<class>/<frontend>/<n>/frontend-id : domid
  The domain that uses the device.
/<class>/<frontend>/<n>/online : online
  Whether the device is to stay. With 0 the backend goes away when both halves are closed.
/<class>/<frontend>/<n>/state : state
  How far the backend's driver is. The guest watches this node; both halves step from 1 to 4.
/<class>/<frontend>/<n>/script
  The hotplug script that connects the device to the rest of the system.
/<class>/<frontend>/<n>/type : backendtype
  What kind of thing is behind the device.
/<class>/<frontend>/<n>/hotplug-status : hotplug
  What the hotplug script tells: the backend's driver waits for \`connected\`.
/<class>/<frontend>/<n>/hotplug-error
  Why the hotplug script failed.
/<class>/<frontend>/<n>/multi-queue-max-queues : count
  How many queues the backend can serve at most.
/<class>/<frontend>/<n>/max-ring-page-order
  How many pages a ring can have at most, as a power of two.
/<class>/<frontend>/<n>/protocol
  How the two halves speak, such as \`vt100\` for a console.
/<class>/<frontend>/<n>/feature-* : yes
  Something that the backend can do.
/vif/<frontend>/<n>/mac
  Hardware address that the guest's interface is to have.
/vif/<frontend>/<n>/bridge
  The bridge in the backend's domain that the interface is plugged into.
/vif/<frontend>/<n>/handle
  Number of the interface among those of the guest.
/vif/<frontend>/<n>/ip
  Addresses that the guest may use; the script can make the host refuse others.
/vif/<frontend>/<n>/rate
  How much the guest may send: bytes, and in how many microseconds.
/vif/<frontend>/<n>/vifname
  The name of the interface's other end in the backend's domain.
/vif/<frontend>/<n>/gatewaydev
  The network device that a routed interface leads to.
/vif/<frontend>/<n>/feature-rx-copy : yes
  The backend copies packets into the guest's memory. All do today.
/vif/<frontend>/<n>/feature-rx-flip : yes
  The backend exchanges pages instead of copying packets. Nobody does any more.
/vif/<frontend>/<n>/feature-split-event-channels : yes
  The backend takes an event channel for each direction.
/vif/<frontend>/<n>/feature-multicast-control : yes
  The guest can say which multicast packets it wants.
/vif/<frontend>/<n>/feature-ctrl-ring : yes
  The backend has a control ring, for the hashing of packets.
/vbd/<frontend>/<devid>/params
  What the disk is made of: a device or a file in the backend's domain.
/vbd/<frontend>/<devid>/dev
  What the guest calls the disk.
/vbd/<frontend>/<devid>/mode : mode
  Whether the guest may write.
/vbd/<frontend>/<devid>/device-type : devicetype
  Whether the guest sees a disk or a CD drive.
/vbd/<frontend>/<devid>/removable : yes
  Whether the medium can be taken out.
/vbd/<frontend>/<devid>/bootable : yes
  Whether the guest may be started from it.
/vbd/<frontend>/<devid>/physical-device : device
  The block device behind the disk, as major and minor number in hexadecimal.
/vbd/<frontend>/<devid>/physical-device-path
  The block device behind the disk.
/vbd/<frontend>/<devid>/sectors : sectors
  Size of the disk, in sectors of 512 bytes.
/vbd/<frontend>/<devid>/sector-size : bytes
  The smallest piece that the guest can read or write.
/vbd/<frontend>/<devid>/physical-sector-size : bytes
  The smallest piece that the real disk can write by itself.
/vbd/<frontend>/<devid>/info : diskinfo
  Properties of the disk, as bits.
/vbd/<frontend>/<devid>/discard-enable : yes
  Whether the guest may say which sectors it does not need any more.
/vbd/<frontend>/<devid>/discard-granularity : bytes
  The smallest piece that can be given up.
/vbd/<frontend>/<devid>/discard-alignment : bytes
  Where the first such piece begins.
/vbd/<frontend>/<devid>/discard-secure : yes
  Whether given up sectors can be wiped as well.
/vbd/<frontend>/<devid>/direct-io-safe : yes
  Whether the backend may read the guest's memory without a cache in between.
/vbd/<frontend>/<devid>/specification
  By which rules the disk's number stands for its name: \`xen\`.
/vbd/<frontend>/<devid>/feature-flush-cache : yes
  The guest can ask that everything written so far is on the disk.
/vbd/<frontend>/<devid>/feature-barrier : yes
  The guest can ask that requests are not moved past a point. Older than flushing.
/vbd/<frontend>/<devid>/feature-discard : yes
  The backend takes requests that give up sectors.
/vbd/<frontend>/<devid>/feature-persistent : yes
  The backend keeps the guest's pages mapped, which spares work on each request.
/vbd/<frontend>/<devid>/feature-max-indirect-segments : count
  How many pieces of memory one large request may have at most.
/vfb/<frontend>/<n>/vnc : yes
  Whether the screen is served by VNC.
/vfb/<frontend>/<n>/vnclisten
  The address on which VNC listens.
/pci/<frontend>/<n>/num_devs
  How many PCI devices are passed through.
/pci/<frontend>/<n>/dev-*
  Address of a PCI device on the host.
/pci/<frontend>/<n>/vdev-*
  Address of a PCI device as the guest sees it.
/pci/<frontend>/<n>/state-* : state
  How far a single PCI device is.
/pci/<frontend>/<n>/opts-*
  Options of a PCI device.
/9pfs/<frontend>/<n>/path
  The folder in the backend's domain that is shared.
/9pfs/<frontend>/<n>/tag
  The name by which the guest mounts the folder.
`;
