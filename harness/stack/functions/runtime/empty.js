// Stands for modules that only declare types or fill gaps which this runtime does not have.
export {}
