async def connected(soak):
    soak.figures.skip("outward", "", "not written yet")
