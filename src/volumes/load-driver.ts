import type { Connection } from '../model/connection.ts'
import type { VolumeDriver, VolumeDriverName } from '../model/volume.ts'

interface DriverModule {
  createDriver(connection: Connection): VolumeDriver
}

/** The driver of that name, for the node at the other end of a connection. One file a driver in `drivers/`. */
export async function loadDriver(name: VolumeDriverName, connection: Connection): Promise<VolumeDriver> {
  const module = (await import(`./drivers/${name}.ts`)) as DriverModule
  return module.createDriver(connection)
}
