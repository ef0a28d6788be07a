// What a run is told about its devices. All of it is set, whatever was inherited: a run must see its devices and no others.
import type { BoxDevice, BoxFile } from '../../shared/box.ts';

/**
 * Variables for a run that holds these devices, in the box's order. Without any, it is to see none: an empty
 * CUDA_VISIBLE_DEVICES hides them all, and `void` does so for containers.
 */
export function deviceVariables(
  devices: readonly string[],
  box: Pick<BoxFile, 'source' | 'devices'>,
): Record<string, string> {
  const held = new Set(devices);
  const chosen = box.devices.flatMap((device, index) => (held.has(device.id) ? [nameOf(device, index)] : []));
  const list = chosen.join(',');
  const common = {
    QWEX_GPUS: box.devices
      .filter(({ id }) => held.has(id))
      .map(({ id }) => id)
      .join(','),
  };
  if (box.source === 'rocm') {
    // The two count after one another: HIP numbers what ROCR has left.
    const places = chosen.map((_, place) => place).join(',');
    return {
      ...common,
      ROCR_VISIBLE_DEVICES: list,
      HIP_VISIBLE_DEVICES: places,
      CUDA_VISIBLE_DEVICES: places,
    };
  }
  return {
    ...common,
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    CUDA_VISIBLE_DEVICES: list,
    NVIDIA_VISIBLE_DEVICES: list || 'void',
  };
}

function nameOf({ uuid }: BoxDevice, index: number): string {
  return uuid ?? String(index);
}
